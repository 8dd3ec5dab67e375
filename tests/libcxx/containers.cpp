// Every standard container on ours, with libc++. The tests proper are allocator_test.cpp, and need
// the standard library that GoogleTest was built with.
#include <allot/allocator.hpp>
#include <allot/allot.hpp>

#include <cassert>
#include <deque>
#include <forward_list>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <scoped_allocator>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

using namespace allot;

template <class T, class S>
using On = Allocator<T, S>;
using Pair = std::pair<const int, int>;
using Hash = std::hash<int>;
using Equal = std::equal_to<>;
using Less = std::less<>;

template <class Container, class Add>
void live(Container container, Add add) {
  for (int i = 0; i != 40; ++i)
    add(container, i);
  Container copy = container;
  assert(copy == container);
  assert(copy.get_allocator() == container.get_allocator());
  Container moved = std::move(container);
  assert(moved == copy);
  add(moved, 40);
  assert(moved != copy);
  copy = moved;
  swap(copy, moved);
  moved.clear();
  assert(std::distance(copy.begin(), copy.end()) == 41);
  copy = std::move(moved);
  assert(copy.empty());
}

constexpr auto push_back = [](auto& c, int i) { c.push_back(i); };
constexpr auto push_front = [](auto& c, int i) { c.push_front(i); };
constexpr auto insert = [](auto& c, int i) { c.insert(i); };
constexpr auto emplace = [](auto& c, int i) { c.emplace(i, -i); };

template <class S>
void use_nodes(S& s) {
  live(std::list<int, On<int, S>>(s), push_back);
  live(std::forward_list<int, On<int, S>>(s), push_front);
  live(std::set<int, Less, On<int, S>>(s), insert);
  live(std::multiset<int, Less, On<int, S>>(s), insert);
  live(std::map<int, int, Less, On<Pair, S>>(s), emplace);
  live(std::multimap<int, int, Less, On<Pair, S>>(s), emplace);

  std::map<int, int, Less, On<Pair, S>> from({{1, 10}, {2, 20}}, s);
  std::map<int, int, Less, On<Pair, S>> to(s);
  to.insert(from.extract(2));
  to.merge(from);
  assert(to.size() == 2 && from.empty());
}

template <class S>
void use_all(S& s) {
  use_nodes(s);
  live(std::vector<int, On<int, S>>(s), push_back);
  live(std::vector<bool, On<bool, S>>(s), [](auto& c, int i) { c.push_back(i % 2 == 0); });
  live(std::deque<int, On<int, S>>(s), push_front);
  live(std::basic_string<char, std::char_traits<char>, On<char, S>>(s),
       [](auto& c, int i) { c.push_back(static_cast<char>('a' + i % 26)); });
  live(std::unordered_set<int, Hash, Equal, On<int, S>>(s), insert);
  live(std::unordered_multiset<int, Hash, Equal, On<int, S>>(s), insert);
  live(std::unordered_map<int, int, Hash, Equal, On<Pair, S>>(s), emplace);
  live(std::unordered_multimap<int, int, Hash, Equal, On<Pair, S>>(s), emplace);

  using Inner = std::basic_string<char, std::char_traits<char>, On<char, S>>;
  std::vector<Inner, std::scoped_allocator_adaptor<On<Inner, S>>> texts{On<Inner, S>(s)};
  texts.emplace_back("a text that is too long to be stored inline");
  assert(s.owns(texts.front().data()));
  assert(*std::allocate_shared<int>(On<int, S>(s), 42) == 42);
}

int main() {
  Arena arena(1_MiB);
  use_all(arena);
  Bump bump(1_MiB);
  use_all(bump);
  Region region;
  use_all(region);
  Scratch scratch(1_MiB);
  use_all(scratch);
  MappedArena mapped(1_MiB);
  use_all(mapped);
  Multipool pool;
  use_all(pool);
  assert(pool.used() == 0);
  BlockPool blocks(64, 1000);
  use_nodes(blocks);
  assert(blocks.stats().used == 0);
}
