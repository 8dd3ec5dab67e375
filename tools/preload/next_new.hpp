// The operators new and delete that the program would have called.
#pragma once

#include <atomic>
#include <cstddef>
#include <new>

#include "next.hpp"

namespace preload {

/// One of the next functions, by its mangled name; looked up once.
template <class F>
class Function {
public:
  constexpr explicit Function(const char* name) : name_(name) {}
  /// May call malloc, the first time.
  F* get() {
    void* p = found_.load(std::memory_order_relaxed);
    if (!p) {
      p = next_function(name_);
      if (!p)
        __builtin_trap(); // nobody can throw std::bad_alloc
      found_.store(p, std::memory_order_relaxed);
    }
    return reinterpret_cast<F*>(p);
  }

private:
  const char* name_;
  std::atomic<void*> found_{nullptr};
};

using New = void*(std::size_t);
using NewNothrow = void*(std::size_t, const std::nothrow_t&);
using NewAligned = void*(std::size_t, std::align_val_t);
using NewAlignedNothrow = void*(std::size_t, std::align_val_t, const std::nothrow_t&);
using Delete = void(void*);
using DeleteAligned = void(void*, std::align_val_t);

inline constinit Function<New> next_new("_Znwm");
inline constinit Function<New> next_new_array("_Znam");
inline constinit Function<NewNothrow> next_new_nothrow("_ZnwmRKSt9nothrow_t");
inline constinit Function<NewNothrow> next_new_array_nothrow("_ZnamRKSt9nothrow_t");
inline constinit Function<NewAligned> next_new_aligned("_ZnwmSt11align_val_t");
inline constinit Function<NewAligned> next_new_array_aligned("_ZnamSt11align_val_t");
inline constinit Function<NewAlignedNothrow>
    next_new_aligned_nothrow("_ZnwmSt11align_val_tRKSt9nothrow_t");
inline constinit Function<NewAlignedNothrow>
    next_new_array_aligned_nothrow("_ZnamSt11align_val_tRKSt9nothrow_t");
inline constinit Function<Delete> next_delete("_ZdlPv");
inline constinit Function<Delete> next_delete_array("_ZdaPv");
inline constinit Function<DeleteAligned> next_delete_aligned("_ZdlPvSt11align_val_t");
inline constinit Function<DeleteAligned> next_delete_array_aligned("_ZdaPvSt11align_val_t");

} // namespace preload
