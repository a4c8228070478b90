#include "runtime/backbone/master_gradient.h"

#include <algorithm>

#include "compiler/result/check.h"
#include "runtime/backbone/cpu_kernels.h"
#include "runtime/backbone/tile_product.h"

namespace jade::backbone {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr int64_t kGrain = 1 << 15;  // elements a thread takes at least

const uint16_t* HalfBits(const at::Tensor& t) {
  return reinterpret_cast<const uint16_t*>(t.data_ptr<at::BFloat16>());
}

class TrackFunction : public torch::autograd::Function<TrackFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const Variable& /*anchor*/, const at::Tensor& weight,
                            const MasterGradientPtr& gradient) {
    context->saved_data["gradient"] = MasterGradient::ToValue(gradient);
    context->set_materialize_grads(false);  // losses that add to `gradient` themselves give none
    return weight.detach();
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    if (gradients[0].defined()) MasterGradient::FromValue(context->saved_data["gradient"])->Add(gradients[0]);
    return {Variable(), Variable(), Variable()};
  }
};

}  // namespace

void AddConverted(const at::Tensor& from, const at::Tensor& to) {
  JADE_CHECK(from.is_contiguous() && to.is_contiguous() && from.numel() == to.numel(), "sums are of dense tensors");
  at::parallel_for(0, to.numel(), kGrain, [&](int64_t begin, int64_t end) {
    float* sum = to.data_ptr<float>() + begin;
    if (from.scalar_type() == at::kFloat) {
      CpuKernels().accumulate(from.data_ptr<float>() + begin, sum, end - begin);
    } else {
      CpuKernels().accumulate_bf16(HalfBits(from) + begin, sum, end - begin);
    }
  });
}

void CopyConverted(const at::Tensor& from, const at::Tensor& to) {
  JADE_CHECK(from.is_contiguous() && to.is_contiguous() && from.numel() == to.numel(), "copies are of dense tensors");
  const bool from_half = from.scalar_type() == at::kBFloat16, to_half = to.scalar_type() == at::kBFloat16;
  at::parallel_for(0, to.numel(), kGrain, [&](int64_t begin, int64_t end) {
    const int64_t count = end - begin;
    if (from_half == to_half) {
      const int64_t bytes = to_half ? 2 : 4;
      std::copy_n(static_cast<const char*>(from.data_ptr()) + begin * bytes, count * bytes,
                  static_cast<char*>(to.data_ptr()) + begin * bytes);
    } else if (to_half) {
      auto* bits = reinterpret_cast<uint16_t*>(to.data_ptr<at::BFloat16>());
      CpuKernels().round(from.data_ptr<float>() + begin, bits + begin, count);
    } else {
      CpuKernels().widen(HalfBits(from) + begin, to.data_ptr<float>() + begin, count);
    }
  });
}

bool MasterGradient::wanted() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const at::Tensor& part) { return part.requires_grad(); });
}

at::Tensor MasterGradient::anchor() const {
  for (const at::Tensor& part : parts_) {
    if (part.requires_grad()) return part;
  }
  return parts_.front();
}

void MasterGradient::MakeBuffers() {
  if (joint_.defined()) return;
  std::vector<int64_t> shape = parts_.front().sizes().vec();
  shape[0] = 0;
  for (const at::Tensor& part : parts_) shape[0] += part.size(0);
  joint_ = at::empty(shape, at::kFloat);
  int64_t row = 0;
  for (const at::Tensor& part : parts_) {
    buffers_.push_back(joint_.narrow(0, row, part.size(0)));
    row += part.size(0);
  }
}

at::Tensor MasterGradient::JointTarget(bool* fresh) {
  MakeBuffers();
  *fresh = !parts_.front().grad().defined();
  for (size_t i = 0; i < parts_.size(); ++i) {
    const at::Tensor& gradient = parts_[i].grad();
    const bool alike =
        *fresh ? !gradient.defined() : gradient.defined() && gradient.data_ptr() == buffers_[i].data_ptr();
    if (!alike || !parts_[i].requires_grad()) return {};
  }
  if (*fresh) {
    for (size_t i = 0; i < parts_.size(); ++i) parts_[i].mutable_grad() = buffers_[i];
  }
  return joint_;
}

at::Tensor MasterGradient::Target(size_t part, bool* fresh) {
  MakeBuffers();
  at::Tensor& gradient = parts_[part].mutable_grad();
  *fresh = !gradient.defined();
  if (*fresh) gradient = buffers_[part];
  JADE_CHECK(gradient.is_contiguous() && gradient.scalar_type() == at::kFloat, "gradients of masters are dense fp32");
  return gradient;
}

void MasterGradient::Add(const at::Tensor& gradient) {
  const at::NoGradGuard no_grad;
  const at::Tensor dense = gradient.contiguous();
  int64_t row = 0;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const int64_t rows = parts_[i].size(0);
    if (parts_[i].requires_grad()) {
      const at::Tensor part = dense.narrow(0, row, rows);
      bool fresh = false;
      const at::Tensor target = Target(i, &fresh);
      if (fresh) {
        CopyConverted(part, target);
      } else {
        AddConverted(part, target);
      }
    }
    row += rows;
  }
}

void MasterGradient::AddProduct(const at::Tensor& a, const at::Tensor& b) {
  const at::NoGradGuard no_grad;
  bool fresh = false;
  if (const at::Tensor target = JointTarget(&fresh); target.defined()) return ProductInto(a, b, target, !fresh);
  int64_t row = 0;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const int64_t rows = parts_[i].size(0);
    if (parts_[i].requires_grad()) {
      const at::Tensor target = Target(i, &fresh);
      ProductInto(a.narrow(0, row, rows), b, target, !fresh);
    }
    row += rows;
  }
}

void MasterGradient::AddRows(const at::Tensor& rows_N, const at::Tensor& gradient_ND) {
  JADE_CHECK(parts_.size() == 1, "rows are added to one part");
  if (!parts_[0].requires_grad()) return;
  const at::NoGradGuard no_grad;
  bool fresh = false;
  at::Tensor target = Target(0, &fresh);
  if (fresh) target.zero_();
  const at::Tensor dense = gradient_ND.contiguous(), rows = rows_N.contiguous();
  const int64_t width = dense.size(1);
  // Threads divide the columns, so that equal rows are added in order.
  at::parallel_for(0, width, std::max<int64_t>(16, width / std::max(1, at::get_num_threads())),
                   [&](int64_t begin, int64_t end) {
                     const int64_t* row = rows.data_ptr<int64_t>();
                     for (int64_t i = 0; i < dense.size(0); ++i) {
                       CpuKernels().accumulate(dense.data_ptr<float>() + i * width + begin,
                                               target.data_ptr<float>() + row[i] * width + begin, end - begin);
                     }
                   });
}

at::Tensor MasterGradient::Track(const at::Tensor& weight, const MasterGradientPtr& gradient) {
  return TrackFunction::apply(gradient->anchor(), weight, gradient);
}

MasterGradientPtr MasterGradient::Behind(const at::Tensor& weight) {
  auto* node = dynamic_cast<torch::autograd::CppNode<TrackFunction>*>(weight.grad_fn().get());
  return node == nullptr ? MasterGradientPtr() : FromValue(node->ctx_.saved_data["gradient"]);
}

c10::IValue MasterGradient::ToValue(const MasterGradientPtr& gradient) {
  return c10::IValue::make_capsule(gradient);
}

MasterGradientPtr MasterGradient::FromValue(const c10::IValue& value) {
  return c10::static_intrusive_pointer_cast<MasterGradient>(value.toCapsule());
}

}  // namespace jade::backbone
