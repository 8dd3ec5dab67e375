// first error: Bumped
// What a mixin asks of a class is checked by the compiler.
#include <allot/detail/bumping.hpp>

class Whole : public allot::Bumping<Whole> {
  friend allot::Bumping<Whole>;
  void* allocate_slow(std::size_t, std::size_t) { return nullptr; }
  void* try_allocate_slow(std::size_t, std::size_t) noexcept { return nullptr; }
};
static_assert(allot::Bumped<Whole>);

class Lacking : public allot::Bumping<Lacking> {
  friend allot::Bumping<Lacking>;
  void* allocate_slow(std::size_t, std::size_t) { return nullptr; }
};
#ifdef MUST_FAIL
static_assert(allot::Bumped<Lacking>);
#endif
