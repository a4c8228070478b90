#include "runtime/dense/vector_file.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>

#include "runtime/files/atomic_file.h"

namespace jade::dense {
namespace {

using nlohmann::json;

// The file: magic, length of the header (little-endian), the header as JSON, the payload, XXH3 of all before.
constexpr std::string_view kMagic = "JADEVEC\n";
constexpr int64_t kVersion = 1;
constexpr size_t kMaxHeaderBytes = size_t{1} << 20U;
constexpr size_t kPrefixBytes = 16;
constexpr size_t kChecksumBytes = 8;
constexpr char kMetric[] = "inner_product";

std::array<std::byte, 8> LittleEndian(uint64_t value) {
  std::array<std::byte, 8> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(value >> (8 * i));
  return bytes;
}

uint64_t FromLittleEndian(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value |= static_cast<uint64_t>(bytes[i]) << (8 * i);
  return value;
}

std::string HeaderJson(const VectorFileHeader& header) {
  const EncoderIdentity& encoder = header.encoder;
  return json{{"version", kVersion},
              {"kind", IndexKindName(header.kind)},
              {"metric", kMetric},
              {"count", header.count},
              {"corpus", header.corpus_hash},
              {"encoder",
               {{"model", encoder.model},
                {"hash", encoder.hash},
                {"pooling", encoder.pooling},
                {"query_prefix", encoder.query_prefix},
                {"passage_prefix", encoder.passage_prefix},
                {"max_tokens", encoder.max_tokens},
                {"dimension", encoder.dimension}}}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Error Damaged(std::string_view how) {
  return Error(ErrorCode::kCorrupt, fmt::format("{}; build it again", how));
}

// The reader of a header: remembers that something was missing.
struct HeaderReader {
  bool complete = true;
  std::string Text(const json& object, const char* name) {
    const auto it = object.find(name);
    if (it != object.end() && it->is_string()) return it->get<std::string>();
    complete = false;
    return {};
  }
  int64_t Number(const json& object, const char* name) {
    const auto it = object.find(name);
    if (it != object.end() && it->is_number_integer()) return it->get<int64_t>();
    complete = false;
    return 0;
  }
};

Result<VectorFileHeader> ParseHeader(std::string_view text) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto encoder = object.is_object() ? object.find("encoder") : object.end();
  if (!object.is_object() || encoder == object.end() || !encoder->is_object()) {
    return Damaged("its header cannot be read");
  }
  HeaderReader read;
  if (const int64_t version = read.Number(object, "version"); version > kVersion) {
    return Error(ErrorCode::kVersion,
                 fmt::format("it has version {}, this JADE reads up to {}; build it again", version, kVersion));
  }
  VectorFileHeader header;
  header.count = read.Number(object, "count");
  header.corpus_hash = read.Text(object, "corpus");
  header.encoder = {.model = read.Text(*encoder, "model"),
                    .hash = read.Text(*encoder, "hash"),
                    .pooling = read.Text(*encoder, "pooling"),
                    .query_prefix = read.Text(*encoder, "query_prefix"),
                    .passage_prefix = read.Text(*encoder, "passage_prefix"),
                    .max_tokens = read.Number(*encoder, "max_tokens"),
                    .dimension = read.Number(*encoder, "dimension")};
  const auto kind = IndexKindOf(read.Text(object, "kind"));
  if (!read.complete || !kind.ok() || header.count <= 0 || header.encoder.dimension <= 0 ||
      read.Text(object, "metric") != kMetric) {
    return Damaged("its header is incomplete");
  }
  header.kind = *kind;
  return header;
}

// The text of the header, after checks that the file is ours and long enough.
Result<std::string_view> HeaderText(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic)) return Error(ErrorCode::kCorrupt, "it is not a file of vectors that JADE built");
  if (bytes.size() < kPrefixBytes + kChecksumBytes) return Damaged("it is cut short");
  const uint64_t length = FromLittleEndian(bytes.subspan(kMagic.size(), 8));
  if (length > kMaxHeaderBytes || length > bytes.size() - kPrefixBytes - kChecksumBytes) {
    return Damaged("it is cut short or damaged");
  }
  return text.substr(kPrefixBytes, length);
}

class HashedFile {
 public:
  explicit HashedFile(files::AtomicFile file) : file_(std::move(file)), state_(XXH3_createState(), XXH3_freeState) {
    XXH3_64bits_reset(state_.get());
  }
  Status Write(std::span<const std::byte> bytes) {
    XXH3_64bits_update(state_.get(), bytes.data(), bytes.size());
    return file_.Write(bytes);
  }
  Status Commit() {
    JADE_TRY(file_.Write(LittleEndian(XXH3_64bits_digest(state_.get()))));
    return file_.Commit();
  }

 private:
  files::AtomicFile file_;
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state_;
};

}  // namespace

std::string Difference(const EncoderIdentity& has, const EncoderIdentity& wanted) {
  if (has.dimension != wanted.dimension) {
    return fmt::format("its vectors have {} dimensions, not {}", has.dimension, wanted.dimension);
  }
  if (has.pooling != wanted.pooling) {
    return fmt::format("its pooling is `{}`, not `{}`", has.pooling, wanted.pooling);
  }
  if (has.query_prefix != wanted.query_prefix || has.passage_prefix != wanted.passage_prefix) {
    return fmt::format("its prefixes are `{}` and `{}`, not `{}` and `{}`", has.query_prefix, has.passage_prefix,
                       wanted.query_prefix, wanted.passage_prefix);
  }
  if (has.max_tokens != wanted.max_tokens) {
    return fmt::format("its texts are cut at {} tokens, not at {}", has.max_tokens, wanted.max_tokens);
  }
  if (has.hash != wanted.hash) return fmt::format("its weights are {}, not {}", has.hash, wanted.hash);
  return {};
}

std::string_view IndexKindName(IndexKind kind) {
  switch (kind) {
    case IndexKind::kFlat:
      return "flat";
    case IndexKind::kIvf:
      return "ivf";
    case IndexKind::kHnsw:
      return "hnsw";
  }
  JADE_UNREACHABLE();
}

Result<IndexKind> IndexKindOf(std::string_view name) {
  for (const IndexKind kind : {IndexKind::kFlat, IndexKind::kIvf, IndexKind::kHnsw}) {
    if (IndexKindName(kind) == name) return kind;
  }
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("there is no kind of index `{}`; there are flat, ivf and hnsw", name.substr(0, 100)));
}

Status WriteVectorFile(const std::string& path, const VectorFileHeader& header,
                       const std::function<Status(const ByteSink&)>& payload) {
  JADE_ASSIGN_OR_RETURN(auto atomic, files::AtomicFile::Create(path));
  HashedFile file(std::move(atomic));
  const std::string text = HeaderJson(header);
  JADE_TRY(file.Write(std::as_bytes(std::span(kMagic))));
  JADE_TRY(file.Write(LittleEndian(text.size())));
  JADE_TRY(file.Write(std::as_bytes(std::span(text))));
  JADE_TRY(payload([&file](std::span<const std::byte> bytes) { return file.Write(bytes); }));
  return file.Commit();
}

Result<VectorFileHeader> VectorFile::ReadHeader(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(const auto file, weights::MappedFile::Open(path));
  auto text = HeaderText(file->bytes());
  auto header = text.ok() ? ParseHeader(*text) : Result<VectorFileHeader>(std::move(text).error());
  if (!header.ok()) return std::move(header).error().Wrap(fmt::format("reading vectors `{}`", path));
  return header;
}

Result<VectorFile> VectorFile::Open(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(auto header, ReadHeader(path));
  JADE_ASSIGN_OR_RETURN(auto file, weights::MappedFile::Open(path));
  const std::span<const std::byte> bytes = file->bytes();
  const auto text = HeaderText(bytes);
  const size_t end = bytes.size() - std::min(bytes.size(), kChecksumBytes);
  if (!text.ok() || XXH3_64bits(bytes.data(), end) != FromLittleEndian(bytes.subspan(end))) {
    return Damaged("its checksum is wrong: it is cut short or damaged").Wrap(fmt::format("reading vectors `{}`", path));
  }
  const size_t start = kPrefixBytes + text->size();
  return VectorFile(std::move(file), std::move(header), bytes.subspan(start, end - start));
}

}  // namespace jade::dense
