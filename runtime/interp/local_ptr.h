#pragma once
// A shared pointer for what belongs to one thread: the count stands in the object, so that a pointer takes 8 bytes and
// a copy no atomic operation. Not for objects that two threads may hold, nor for cycles.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace jade::interp {

// Base of what a LocalPtr points to. An object with storage of its own hides Dispose.
template <typename Derived>
class LocalCounted {
 public:
  LocalCounted() = default;
  LocalCounted(const LocalCounted&) = delete;
  LocalCounted& operator=(const LocalCounted&) = delete;
  static void Dispose(const Derived* object) { delete object; }

 private:
  template <typename T>
  friend class LocalPtr;
  mutable uint32_t references_ = 0;
};

template <typename T>
class LocalPtr {
 public:
  LocalPtr() = default;
  LocalPtr(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): as std::shared_ptr
  explicit LocalPtr(T* object) : object_(object) { Retain(); }
  LocalPtr(const LocalPtr& other) : object_(other.object_) { Retain(); }
  LocalPtr(LocalPtr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  LocalPtr& operator=(LocalPtr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~LocalPtr() { Release(); }

  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  bool unique() const { return object_ != nullptr && object_->references_ == 1; }
  void reset() { *this = nullptr; }
  friend bool operator==(const LocalPtr& a, const LocalPtr& b) { return a.object_ == b.object_; }
  friend bool operator==(const LocalPtr& a, std::nullptr_t) { return a.object_ == nullptr; }

 private:
  void Retain() {
    if (object_ != nullptr) ++object_->references_;
  }
  void Release() {
    if (object_ != nullptr && --object_->references_ == 0) std::remove_const_t<T>::Dispose(object_);
  }

  T* object_ = nullptr;
};

template <typename T, typename... Arguments>
LocalPtr<T> MakeLocal(Arguments&&... arguments) {
  return LocalPtr<T>(new T(std::forward<Arguments>(arguments)...));
}

}  // namespace jade::interp
