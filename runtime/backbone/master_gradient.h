#pragma once
// Where the gradients of weights go while training on the processor. The weights that are multiplied are copies (bf16,
// joined), the parameters fp32 masters; a MasterGradient takes the gradient of such a copy, in its type, and adds it in
// fp32 to the `.grad` of the parameters it was made of. So micro-batches add up in fp32, and nothing else of the size
// of the weights is kept. The buffers outlive an optimiser's dropping of `.grad` and are written over by the next
// gradient: whoever wants to keep one clones it. One backward pass at a time.

#include <vector>

#include "runtime/backbone/torch_compat.h"

namespace jade::backbone {

class MasterGradient;
using MasterGradientPtr = c10::intrusive_ptr<MasterGradient>;

class MasterGradient final : public torch::CustomClassHolder {
 public:
  // `parts`: the parameters that lie one below the other in the joint weight, all contiguous fp32 on the processor.
  explicit MasterGradient(std::vector<at::Tensor> parts) : parts_(std::move(parts)) {}

  // Whether any of the parameters asks for gradients.
  bool wanted() const;
  // One that does, to be an input of the operators whose backward passes add here; LibTorch would not run them
  // otherwise. They return no gradient for it.
  at::Tensor anchor() const;

  // Adds the gradient of the joint weight, fp32 or bf16. Parameters that do not ask for gradients are left out.
  void Add(const at::Tensor& gradient);
  // Adds a·b, the product of a gradient, transposed, and what was multiplied.
  void AddProduct(const at::Tensor& a, const at::Tensor& b);
  // Adds row i of the fp32 gradient_ND to row rows_N[i]: for an embedding, of one part.
  void AddRows(const at::Tensor& rows_N, const at::Tensor& gradient_ND);

  // `weight` as something LibTorch differentiates, its gradient added here.
  static at::Tensor Track(const at::Tensor& weight, const MasterGradientPtr& gradient);
  // The one that Track(…) was given for this tensor, so that an operator can add to it while its rows are still in the
  // cache; null for any other tensor.
  static MasterGradientPtr Behind(const at::Tensor& weight);

  static c10::IValue ToValue(const MasterGradientPtr& gradient);
  static MasterGradientPtr FromValue(const c10::IValue& value);

 private:
  void MakeBuffers();
  // The `.grad` of part i; `fresh` says that its contents do not count.
  at::Tensor Target(size_t part, bool* fresh);
  // The `.grad` of all parts as one, where it is one; else undefined.
  at::Tensor JointTarget(bool* fresh);

  std::vector<at::Tensor> parts_;
  at::Tensor joint_;                 // one below the other; undefined before the first gradient
  std::vector<at::Tensor> buffers_;  // of each part, views of it
};

// Many numbers on the processor, divided among the threads. `from` and `to` are contiguous and of one size; `from` is
// fp32 or bf16, as `to` of a copy is; a sum is fp32.
void CopyConverted(const at::Tensor& from, const at::Tensor& to);
void AddConverted(const at::Tensor& from, const at::Tensor& to);

}  // namespace jade::backbone
