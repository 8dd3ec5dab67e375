// Memory for a moment that no function is given: what one returns lies where its caller wants it,
// and what it needs for itself in another of the thread's.
#include <allot/threads/thread_scratch.hpp>

#include <cassert>
#include <span>

std::span<int> primes_below(int limit, allot::Region& result) {
  auto& scratch = allot::thread_scratch(result); // not `result`, if that is one
  auto scope = scratch.scope();
  const auto n = static_cast<std::size_t>(limit);
  auto composite = scratch.create_array<bool>(n);
  std::size_t count = 0;
  for (std::size_t i = 2; i < n; ++i) {
    count += !composite[i];
    for (std::size_t multiple = 2 * i; multiple < n; multiple += i)
      composite[multiple] = true;
  }
  auto primes = result.create_array<int>(count);
  std::size_t found = 0;
  for (std::size_t i = 2; i < n; ++i)
    if (!composite[i])
      primes[found++] = static_cast<int>(i);
  return primes;
}

int main() {
  auto& scratch = allot::thread_scratch();
  auto scope = scratch.scope();
  auto primes = primes_below(10'000, scratch);
  assert(scratch.owns(primes.data()) && scratch.used() == primes.size_bytes() + 4);
  return primes.size() == 1229 && primes.back() == 9973 ? 0 : 1;
}
