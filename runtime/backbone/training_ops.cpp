#include "runtime/backbone/training_ops.h"

#include <algorithm>

#include "compiler/result/check.h"
#include "runtime/backbone/cpu_kernels.h"
#include "runtime/backbone/tile_product.h"

namespace jade::backbone {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// An input that makes LibTorch record an operator whose weights it does not see.
c10::optional<at::Tensor> AnchorOf(const TrainedWeight& weight) {
  if (!weight.gradient || !at::GradMode::is_enabled()) return c10::nullopt;
  return weight.gradient->anchor();
}

// LibTorch's operators with a backward pass take no undefined tensors.
c10::optional<at::Tensor> IfDefined(const at::Tensor& tensor) {
  return tensor.defined() ? c10::optional<at::Tensor>(tensor) : c10::nullopt;
}

// Gradients of weights are kept apart: LibTorch knows nothing of them.
void SaveGradient(AutogradContext* context, const char* name, const MasterGradientPtr& gradient) {
  if (gradient && gradient->wanted()) context->saved_data[name] = MasterGradient::ToValue(gradient);
}
MasterGradientPtr SavedGradient(AutogradContext* context, const char* name) {
  const auto it = context->saved_data.find(name);
  return it == context->saved_data.end() ? MasterGradientPtr() : MasterGradient::FromValue(it->second);
}

class EmbedFunction : public torch::autograd::Function<EmbedFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& tokens, const at::Tensor& weight,
                            const c10::optional<at::Tensor>& /*anchor*/, const MasterGradientPtr& gradient) {
    SaveGradient(context, "gradient", gradient);
    context->save_for_backward({tokens});
    return at::embedding(weight, tokens);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    if (const MasterGradientPtr gradient = SavedGradient(context, "gradient")) {
      gradient->AddRows(context->get_saved_variables()[0], gradients[0]);
    }
    return variable_list(4);
  }
};

RowTypes TypesOf(const at::Tensor& delta, at::ScalarType type) {
  if (type == at::kBFloat16) {
    JADE_CHECK(!delta.defined() || delta.scalar_type() == at::kBFloat16, "a bf16 layer adds bf16 rows");
    return kHalfRows;
  }
  return delta.defined() && delta.scalar_type() == at::kBFloat16 ? kHalfToFloatRows : kFloatRows;
}

template <typename Type>
Type* At(const at::Tensor& t, int64_t element) {
  return reinterpret_cast<Type*>(static_cast<char*>(t.data_ptr()) + element * t.element_size());
}

class AddRmsNormFunction : public torch::autograd::Function<AddRmsNormFunction> {
 public:
  static variable_list forward(AutogradContext* context, const Variable& hidden, const c10::optional<at::Tensor>& added,
                               const at::Tensor& weight, const c10::optional<at::Tensor>& /*anchor*/,
                               const MasterGradientPtr& gradient, double eps, at::ScalarType type) {
    const at::Tensor delta = added.value_or(at::Tensor());
    const int64_t rows = hidden.size(0), width = hidden.size(1);
    const RowTypes types = TypesOf(delta, type);
    const at::Tensor sum = at::empty_like(hidden), inverse = at::empty({rows}, hidden.options());
    const at::Tensor y = at::empty({rows, width}, hidden.options().dtype(type));
    at::parallel_for(0, rows, 16, [&](int64_t begin, int64_t end) {
      AddRmsNormTask task{
          .weight = weight.data_ptr<float>(), .rows = end - begin, .width = width, .eps = static_cast<float>(eps)};
      task.x = At<float>(hidden, begin * width);
      task.delta = delta.defined() ? At<void>(delta, begin * width) : nullptr;
      task.sum = At<float>(sum, begin * width);
      task.y = At<void>(y, begin * width);
      task.inverse_rms = At<float>(inverse, begin);
      CpuKernels().add_rms_norm[types](task);
    });
    SaveGradient(context, "gradient", gradient);
    context->saved_data["types"] = static_cast<int64_t>(types);
    context->saved_data["delta"] = delta.defined() && delta.requires_grad();
    context->save_for_backward({sum, weight, inverse});
    context->set_materialize_grads(false);
    return {sum, y};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &sum = saved[0], &weight = saved[1], &inverse = saved[2];
    const auto types = static_cast<RowTypes>(context->saved_data["types"].toInt());
    const bool wants_delta = context->saved_data["delta"].toBool();
    variable_list result(7);
    if (!gradients[1].defined()) {  // nobody used the norm
      result[0] = gradients[0];
      if (wants_delta && gradients[0].defined()) {
        result[1] = types == kFloatRows ? gradients[0] : gradients[0].to(at::kBFloat16);
      }
      return result;
    }
    const at::Tensor dy = gradients[1].contiguous();
    const at::Tensor d_sum = gradients[0].defined() ? gradients[0].contiguous() : at::Tensor();
    const int64_t rows = sum.size(0), width = sum.size(1);
    const at::Tensor dx = at::empty_like(sum);
    const bool own_delta = wants_delta && types != kFloatRows;
    const at::Tensor d_delta = own_delta ? at::empty({rows, width}, sum.options().dtype(at::kBFloat16)) : at::Tensor();
    // Fixed pieces, so that the sum over rows does not depend on which thread was faster.
    const int64_t pieces = std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), rows / 64));
    const at::Tensor partial = at::zeros({pieces, width}, sum.options());
    at::parallel_for(0, pieces, 1, [&](int64_t first, int64_t last) {
      for (int64_t piece = first; piece < last; ++piece) {
        const int64_t begin = rows * piece / pieces, end = rows * (piece + 1) / pieces;
        AddRmsNormBackwardTask task{.weight = weight.data_ptr<float>(), .rows = end - begin, .width = width};
        task.dy = At<void>(dy, begin * width);
        task.d_sum = d_sum.defined() ? At<float>(d_sum, begin * width) : nullptr;
        task.sum = At<float>(sum, begin * width);
        task.inverse_rms = At<float>(inverse, begin);
        task.dx = At<float>(dx, begin * width);
        task.d_delta = own_delta ? At<void>(d_delta, begin * width) : nullptr;
        task.d_weight = At<float>(partial, piece * width);
        CpuKernels().add_rms_norm_backward[types](task);
      }
    });
    if (const MasterGradientPtr gradient = SavedGradient(context, "gradient")) gradient->Add(partial.sum(0));
    result[0] = dx;
    if (wants_delta) result[1] = own_delta ? d_delta : dx;
    return result;
  }
};

class ProjectFunction : public torch::autograd::Function<ProjectFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const Variable& x, const at::Tensor& weight,
                            const c10::optional<at::Tensor>& bias, const c10::optional<at::Tensor>& /*anchor*/,
                            const MasterGradientPtr& gradient, const MasterGradientPtr& bias_gradient) {
    SaveGradient(context, "gradient", gradient);
    SaveGradient(context, "bias", bias_gradient);
    context->saved_data["x"] = x.requires_grad();
    const bool weight_wanted = gradient && gradient->wanted();
    context->save_for_backward({weight_wanted ? x : at::Tensor(), weight});
    at::Tensor y = Product(x, weight.t());
    if (bias) y.add_(*bias);
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor dy = gradients[0].contiguous();
    variable_list result(6);
    if (context->saved_data["x"].toBool()) result[0] = Product(dy, saved[1].detach());
    if (const MasterGradientPtr gradient = SavedGradient(context, "gradient"))
      gradient->AddProduct(dy.t(), saved[0].detach());
    if (const MasterGradientPtr bias = SavedGradient(context, "bias")) bias->Add(dy.sum(0, false, at::kFloat));
    return result;
  }
};

class AddLowRankFunction : public torch::autograd::Function<AddLowRankFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const Variable& y, const Variable& x, const Variable& a,
                            const Variable& b, int64_t first, double scale) {
    const at::Tensor inner = Product(x, a.to(x.scalar_type()).t());
    y.narrow(1, first, b.size(0)).add_(Product(inner, b.to(x.scalar_type()).t()), scale);
    context->save_for_backward({x, a, b, inner});
    context->saved_data["first"] = first;
    context->saved_data["scale"] = scale;
    context->saved_data["x"] = x.requires_grad();
    context->mark_dirty({y});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor x = saved[0].detach(), a = saved[1].detach(), b = saved[2].detach(), inner = saved[3].detach();
    const double scale = context->saved_data["scale"].toDouble();
    const at::Tensor dy = gradients[0].narrow(1, context->saved_data["first"].toInt(), b.size(0)).contiguous();
    const at::Tensor d_inner = Product(dy, b.to(x.scalar_type())).mul_(scale);
    variable_list result(6);
    result[0] = gradients[0];
    if (context->saved_data["x"].toBool()) result[1] = Product(d_inner, a.to(x.scalar_type()));
    result[2] = at::empty(a.sizes(), at::kFloat);
    ProductInto(d_inner.t(), x, result[2]);
    result[3] = at::empty(b.sizes(), at::kFloat);
    ProductInto(dy.t(), inner, result[3]);
    result[3].mul_(scale);
    return result;
  }
};

}  // namespace

at::Tensor EmbedRows(const at::Tensor& tokens_N, const TrainedWeight& embedding_VD) {
  return EmbedFunction::apply(tokens_N, embedding_VD.value, AnchorOf(embedding_VD), embedding_VD.gradient);
}

std::pair<at::Tensor, at::Tensor> AddRmsNorm(const at::Tensor& hidden_ND, const at::Tensor& delta_ND,
                                             const TrainedWeight& weight_D, double eps, at::ScalarType type) {
  const at::Tensor delta = delta_ND.defined() ? delta_ND.contiguous() : delta_ND;
  const variable_list out = AddRmsNormFunction::apply(hidden_ND.contiguous(), IfDefined(delta), weight_D.value,
                                                      AnchorOf(weight_D), weight_D.gradient, eps, type);
  return {out[0], out[1]};
}

at::Tensor Project(const at::Tensor& x, const TrainedWeight& weight, const TrainedWeight& bias) {
  const auto anchor = AnchorOf(weight);
  return ProjectFunction::apply(x, weight.value, IfDefined(bias.value),
                                anchor && anchor->requires_grad() ? anchor : AnchorOf(bias), weight.gradient,
                                bias.gradient);
}

at::Tensor AddLowRank(const at::Tensor& y, const at::Tensor& x, const at::Tensor& a, const at::Tensor& b, int64_t first,
                      double scale) {
  return AddLowRankFunction::apply(y, x, a, b, first, scale);
}

}  // namespace jade::backbone
