#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "runtime/dense/vector_index.h"

namespace jade::dense {
namespace {

// FAISS reports by exception; none leaves this file.
template <typename Work>
Status Guarded(const char* doing, const Work& work) {
  try {
    work();
    return {};
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kOutOfMemory, "there is not enough memory").Wrap(doing);
  } catch (const std::exception& problem) {
    return Error(ErrorCode::kCorrupt, problem.what()).Wrap(doing);
  }
}

class SpanReader final : public faiss::IOReader {
 public:
  explicit SpanReader(std::span<const std::byte> bytes) : left_(bytes) {}
  size_t operator()(void* to, size_t size, size_t count) override {
    const size_t whole = size == 0 ? 0 : std::min(count, left_.size() / size);
    if (whole > 0) std::memcpy(to, left_.data(), whole * size);
    left_ = left_.subspan(whole * size);
    return whole;
  }
  bool at_end() const { return left_.empty(); }

 private:
  std::span<const std::byte> left_;
};

class SinkWriter final : public faiss::IOWriter {
 public:
  explicit SinkWriter(const ByteSink& sink) : sink_(sink) {}
  size_t operator()(const void* from, size_t size, size_t count) override {
    if (!failed_) {
      Status written = sink_({static_cast<const std::byte*>(from), size * count});
      if (!written.ok()) failed_ = std::move(written).error();
    }
    return failed_ ? 0 : count;
  }
  const std::optional<Error>& failed() const { return failed_; }

 private:
  const ByteSink& sink_;
  std::optional<Error> failed_;
};

class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// FAISS asks it now and then during training.
class Interruptible {
 public:
  explicit Interruptible(const std::atomic<bool>& cancel) {
    faiss::InterruptCallback::instance = std::make_unique<Callback>(cancel);
  }
  ~Interruptible() { faiss::InterruptCallback::clear_instance(); }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  struct Callback final : faiss::InterruptCallback {
    explicit Callback(const std::atomic<bool>& flag) : cancel(flag) {}
    bool want_interrupt() override { return cancel.load(std::memory_order_relaxed); }
    const std::atomic<bool>& cancel;
  };
};

// A damaged graph would be read out of bounds.
bool GraphIsSound(const faiss::HNSW& graph, int64_t count) {
  if (static_cast<int64_t>(graph.levels.size()) != count || static_cast<int64_t>(graph.offsets.size()) != count + 1) {
    return false;
  }
  if (graph.entry_point < 0 || graph.entry_point >= count || graph.offsets.front() != 0) return false;
  if (graph.max_level < 0 || graph.cum_nneighbor_per_level.size() <= static_cast<size_t>(graph.max_level) + 1) {
    return false;
  }
  for (size_t i = 0; i < graph.levels.size(); ++i) {
    const int levels = graph.levels[i];
    if (levels < 1 || static_cast<size_t>(levels) >= graph.cum_nneighbor_per_level.size()) return false;
    if (graph.offsets[i + 1] - graph.offsets[i] != static_cast<size_t>(graph.cum_nneighbor_per_level[levels])) {
      return false;
    }
  }
  if (graph.levels[graph.entry_point] <= graph.max_level || graph.offsets.back() != graph.neighbors.size())
    return false;
  return std::all_of(graph.neighbors.begin(), graph.neighbors.end(),
                     [count](int32_t neighbour) { return neighbour >= -1 && neighbour < count; });
}

bool IsFlat(const faiss::Index* index, int64_t count, int64_t dimension) {
  const auto* flat = dynamic_cast<const faiss::IndexFlat*>(index);
  return flat != nullptr && flat->ntotal == count && flat->d == dimension &&
         flat->codes.size() == static_cast<size_t>(count * dimension) * sizeof(float);
}

bool IsSoundIvf(const faiss::IndexIVFFlat& index, int64_t count) {
  if (index.nlist == 0 || !IsFlat(index.quantizer, static_cast<int64_t>(index.nlist), index.d)) return false;
  if (index.invlists == nullptr || index.invlists->nlist != index.nlist ||
      index.code_size != static_cast<size_t>(index.d) * sizeof(float) || index.invlists->code_size != index.code_size) {
    return false;
  }
  return index.invlists->compute_ntotal() == static_cast<size_t>(count) && index.nprobe >= 1 &&
         index.nprobe <= index.nlist;
}

bool IsAsTheHeaderSays(const faiss::Index& index, const VectorFileHeader& header) {
  if (index.metric_type != faiss::METRIC_INNER_PRODUCT || index.ntotal != header.count ||
      index.d != header.encoder.dimension) {
    return false;
  }
  if (header.kind == IndexKind::kFlat) return IsFlat(&index, header.count, header.encoder.dimension);
  if (header.kind == IndexKind::kIvf) {
    const auto* ivf = dynamic_cast<const faiss::IndexIVFFlat*>(&index);
    return ivf != nullptr && IsSoundIvf(*ivf, header.count);
  }
  const auto* hnsw = dynamic_cast<const faiss::IndexHNSWFlat*>(&index);
  return hnsw != nullptr && IsFlat(hnsw->storage, header.count, header.encoder.dimension) &&
         GraphIsSound(hnsw->hnsw, header.count);
}

class FaissIndex final : public VectorIndex {
 public:
  explicit FaissIndex(std::unique_ptr<faiss::Index> index) : index_(std::move(index)) {}

  Result<std::vector<std::vector<VectorHit>>> Search(std::span<const float> queries, int k) override {
    const auto dimension = static_cast<size_t>(index_->d);
    JADE_CHECK(queries.size() % dimension == 0, "{} floats, {} dimensions", queries.size(), dimension);
    const size_t count = queries.size() / dimension;
    const auto width = static_cast<size_t>(std::clamp<int64_t>(k, 0, index_->ntotal));
    std::vector<std::vector<VectorHit>> found(count);
    if (count == 0 || width == 0) return found;
    std::vector<float> scores(count * width);
    std::vector<int64_t> rows(count * width);
    JADE_TRY(Guarded("searching the vectors", [&] {
      index_->search(static_cast<int64_t>(count), queries.data(), static_cast<int64_t>(width), scores.data(),
                     rows.data());
    }));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] >= 0 && rows[i] < index_->ntotal) found[i / width].push_back({rows[i], scores[i]});
    }
    for (auto& hits : found) {
      std::stable_sort(hits.begin(), hits.end(), [](const VectorHit& a, const VectorHit& b) {
        return a.score != b.score ? a.score > b.score : a.row < b.row;
      });
    }
    return found;
  }

 private:
  std::unique_ptr<faiss::Index> index_;
};

class FaissBuilder final : public VectorIndexBuilder {
 public:
  explicit FaissBuilder(const IndexShape& shape) : shape_(shape), dimension_(static_cast<int>(shape.dimension)) {
    if (shape.kind == IndexKind::kFlat) index_ = std::make_unique<faiss::IndexFlatIP>(shape.dimension);
    if (shape.kind == IndexKind::kHnsw) {
      auto hnsw = std::make_unique<faiss::IndexHNSWFlat>(dimension_, static_cast<int>(shape.links),
                                                         faiss::METRIC_INNER_PRODUCT);
      hnsw->hnsw.efConstruction = static_cast<int>(shape.build_width);
      hnsw->hnsw.efSearch = static_cast<int>(shape.search_width);
      index_ = std::move(hnsw);
    }
  }

  int64_t count() const override { return count_; }

  Status Add(std::span<const float> vectors) override {
    JADE_CHECK(vectors.size() % static_cast<size_t>(dimension_) == 0);
    const int64_t rows = static_cast<int64_t>(vectors.size()) / dimension_;
    JADE_TRY(Guarded("adding vectors", [&] {
      if (index_ == nullptr) {
        waiting_.insert(waiting_.end(), vectors.begin(), vectors.end());
      } else {
        const OneThread one_thread;
        index_->add(rows, vectors.data());
      }
    }));
    count_ += rows;
    return {};
  }

  Status Finish(const std::atomic<bool>& cancel) override {
    JADE_CHECK(count_ > 0, "an index without vectors");
    if (index_ != nullptr) return {};
    const Interruptible interruptible(cancel);
    Status trained = Guarded("training the index", [this] { TrainLists(); });
    if (cancel.load(std::memory_order_relaxed)) return Error(ErrorCode::kCancelled, "interrupted");
    waiting_ = {};
    return trained;
  }

  Status Write(const ByteSink& sink) const override {
    SinkWriter writer(sink);
    Status written = Guarded("writing the index", [&] { faiss::write_index(index_.get(), &writer); });
    if (writer.failed()) return *writer.failed();
    return written;
  }

 private:
  void TrainLists() {
    const auto auto_lists = static_cast<int64_t>(4.0 * std::sqrt(static_cast<double>(count_)));
    const int64_t lists = std::clamp<int64_t>(shape_.lists > 0 ? shape_.lists : auto_lists, 1, count_);
    const int64_t probes = shape_.probes > 0 ? shape_.probes : std::clamp<int64_t>(lists / 8, 8, 64);
    auto quantiser = std::make_unique<faiss::IndexFlatIP>(shape_.dimension);
    auto ivf = std::make_unique<faiss::IndexIVFFlat>(quantiser.get(), static_cast<size_t>(dimension_),
                                                     static_cast<size_t>(lists), faiss::METRIC_INNER_PRODUCT);
    ivf->own_fields = true;
    (void)quantiser.release();
    ivf->nprobe = static_cast<size_t>(std::min(probes, lists));
    ivf->cp.min_points_per_centroid = 1;  // no warning on standard error for a small corpus
    ivf->train(count_, waiting_.data());
    ivf->add(count_, waiting_.data());
    index_ = std::move(ivf);
  }

  IndexShape shape_;
  int dimension_;
  int64_t count_ = 0;
  std::vector<float> waiting_;  // kIvf: until the lists are trained
  std::unique_ptr<faiss::Index> index_;
};

}  // namespace

Result<std::unique_ptr<VectorIndex>> VectorIndex::FromFile(const VectorFile& file) {
  SpanReader reader(file.payload());
  std::unique_ptr<faiss::Index> index;
  JADE_TRY(Guarded("reading the vectors", [&] { index.reset(faiss::read_index(&reader)); }));
  if (!reader.at_end() || !IsAsTheHeaderSays(*index, file.header())) {
    return Error(ErrorCode::kCorrupt, "the search structure does not fit its header; build it again")
        .Wrap("reading the vectors");
  }
  return std::unique_ptr<VectorIndex>(std::make_unique<FaissIndex>(std::move(index)));
}

Result<std::unique_ptr<VectorIndexBuilder>> VectorIndexBuilder::Create(const IndexShape& shape) {
  JADE_CHECK(shape.dimension > 0 && shape.dimension <= 65'536, "{} dimensions", shape.dimension);
  std::unique_ptr<VectorIndexBuilder> builder;
  JADE_TRY(Guarded("making an index", [&] { builder = std::make_unique<FaissBuilder>(shape); }));
  return builder;
}

}  // namespace jade::dense
