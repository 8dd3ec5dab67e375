// words [--compare FILE]: prints which words each strategy has, as the compiler answers, or fails
// if FILE says otherwise. docs/words.md is that output.
#include <allot/allot.hpp>
#include <allot/threads.hpp>

#include <array>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace allot;

namespace {

struct Thing {
  int value = 0;
};
struct Owner {
  ~Owner() {} // NOLINT(modernize-use-equals-default)
};

constexpr std::array names{
    "Bump",       "Arena",       "Scratch",         "Region",           "MappedArena",
    "Stack",      "Multipool",   "BlockPool",       "SlotArena",        "TypedArena",
    "ObjectPool", "SharedArena", "SharedBlockPool", "SharedObjectPool", "SharedMultipool"};

/// Asks every strategy; `has(s)` tells whether an expression compiles for it.
template <class Has>
std::array<bool, names.size()> ask(Has has) {
  const auto answer = [&]<class S>(std::type_identity<S> of) { return has(of); };
  return {answer(std::type_identity<Bump>()),
          answer(std::type_identity<Arena>()),
          answer(std::type_identity<Scratch>()),
          answer(std::type_identity<Region>()),
          answer(std::type_identity<MappedArena>()),
          answer(std::type_identity<Stack>()),
          answer(std::type_identity<Multipool>()),
          answer(std::type_identity<BlockPool>()),
          answer(std::type_identity<SlotArena>()),
          answer(std::type_identity<TypedArena<Thing>>()),
          answer(std::type_identity<ObjectPool<Thing>>()),
          answer(std::type_identity<SharedArena>()),
          answer(std::type_identity<SharedBlockPool>()),
          answer(std::type_identity<SharedObjectPool<Thing>>()),
          answer(std::type_identity<SharedMultipool>())};
}

std::string table() {
  std::ostringstream out;
  const auto line = [&](std::string_view word, const auto& cells) {
    out << "| " << word;
    for (const auto& cell : cells)
      out << " | " << cell;
    out << " |\n";
  };
  const auto row = [&](std::string_view word, auto has) {
    std::vector<std::string> cells;
    for (const bool yes : ask(has))
      cells.emplace_back(yes ? "x" : "");
    line(word, cells);
  };

  out << "# Which strategy has which words\n\n"
         "Written by `allot_words`, which asks the compiler, and compared by a test. What a word "
         "does, costs and\nrefuses stands beside it in the strategy's header.\n\n";
  line("", names);
  line("---", std::vector<std::string>(names.size(), "---"));

  row("`S(bytes)`, `S(count)`",
      []<class S>(std::type_identity<S>) { return std::is_constructible_v<S, std::size_t>; });
  row("`S(bytes, count)`", []<class S>(std::type_identity<S>) {
    return std::is_constructible_v<S, std::size_t, std::size_t>;
  });
  row("`S(Buffer)`, `S(bytes, Buffer)`", []<class S>(std::type_identity<S>) {
    return std::is_constructible_v<S, Buffer> || std::is_constructible_v<S, std::size_t, Buffer>;
  });
  row("`allocate(bytes)`, `(bytes, alignment)`, `try_`", []<class S>(std::type_identity<S>) {
    return requires(S& s) {
      s.allocate(8);
      s.allocate(8, 8);
      s.try_allocate(8);
      s.try_allocate(8, 8);
    };
  });
  row("`allocate()`, `try_allocate()`", []<class S>(std::type_identity<S>) {
    return requires(S& s) {
      s.allocate();
      s.try_allocate();
    };
  });
  row("`deallocate(p)`",
      []<class S>(std::type_identity<S>) { return requires(S& s, void* p) { s.deallocate(p); }; });
  row("`allocate_many`, `try_`, `deallocate_many`", []<class S>(std::type_identity<S>) {
    return requires(S& s, std::span<void*> many) {
      s.allocate_many(many);
      s.try_allocate_many(many);
      s.deallocate_many(many);
    };
  });
  row("`try_resize`, `reallocate(p, old, new)`", []<class S>(std::type_identity<S>) {
    return requires(S& s, void* p) {
      s.try_resize(p, 8, 8);
      s.reallocate(p, 8, 8);
    };
  });
  row("`allocate_at_least`, `try_deallocate`", []<class S>(std::type_identity<S>) {
    return requires(S& s, void* p) {
      s.allocate_at_least(8);
      s.try_deallocate(p);
    };
  });
  row("`copy`", []<class S>(std::type_identity<S>) {
    return requires(S& s) {
      s.copy(std::string_view());
      s.copy(std::span<int>());
    };
  });
  row("`create<T>`, `try_create<T>`", []<class S>(std::type_identity<S>) {
    return requires(S& s) {
      s.template create<Thing>();
      s.template try_create<Thing>();
    };
  });
  row("the same of a T with a destructor", []<class S>(std::type_identity<S>) {
    return requires(S& s) {
      s.template create<Owner>();
      s.template try_create<Owner>();
    };
  });
  row("`create_array<T>`", []<class S>(std::type_identity<S>) {
    return requires(S& s) { s.template create_array<Thing>(8); };
  });
  row("`destroy(object)`", []<class S>(std::type_identity<S>) {
    return requires(S& s, Thing* object) { s.destroy(object); };
  });
  row("`create(...)`, `try_create(...)`, `at`, `handle`", []<class S>(std::type_identity<S>) {
    return requires(S& s) {
      s.create();
      s.try_create();
      s.at(0);
      s.handle(0);
    };
  });
  row("`at(index)`", []<class S>(std::type_identity<S>) { return requires(S& s) { s.at(0); }; });
  row("`acquire`, `give_back`, `lease`", []<class S>(std::type_identity<S>) {
    return requires(S& s, Thing& object) {
      s.acquire();
      s.give_back(object);
      s.lease();
    };
  });
  row("`offset_of(p)`", []<class S>(std::type_identity<S>) {
    return requires(const S& s, void* p) { s.offset_of(p); };
  });
  row("`push`, `pop`, `top`", []<class S>(std::type_identity<S>) {
    return requires(S& s) {
      s.push(1.5);
      s.pop(8);
      s.template pop<double>();
      s.template top<double>();
    };
  });
  row("`mark`, `restore(marker)`",
      []<class S>(std::type_identity<S>) { return requires(S& s) { s.restore(s.mark()); }; });
  row("`checkpoint`, `restore`", []<class S>(std::type_identity<S>) {
    return requires(S& s) {
      s.checkpoint();
      s.restore();
    };
  });
  row("`scope`", []<class S>(std::type_identity<S>) { return requires(S& s) { s.scope(); }; });
  row("`for_each(visit)`",
      []<class S>(std::type_identity<S>) { return requires(S& s) { s.for_each([](auto&&) {}); }; });
  row("`reset`", []<class S>(std::type_identity<S>) { return requires(S& s) { s.reset(); }; });
  row("`release`, `freed`", []<class S>(std::type_identity<S>) {
    return requires(S& s) {
      s.release();
      s.freed();
    };
  });
  row("`trim(keep)`", []<class S>(std::type_identity<S>) {
    return requires(S& s) {
      s.trim();
      s.trim(8);
    };
  });
  row("`commit(bytes)`",
      []<class S>(std::type_identity<S>) { return requires(S& s) { s.commit(8); }; });
  row("`committed`",
      []<class S>(std::type_identity<S>) { return requires(const S& s) { s.committed(); }; });
  row("`usable_size(p)`", []<class S>(std::type_identity<S>) {
    return requires(const S& s, void* p) { s.usable_size(p); };
  });
  row("`lost`", []<class S>(std::type_identity<S>) { return requires(const S& s) { s.lost(); }; });
  row("`owns`, `empty`, `name`, `stats`", []<class S>(std::type_identity<S>) {
    return requires(const S& s, void* p) {
      s.owns(p);
      s.empty();
      s.name();
      s.stats();
    };
  });
  row("`capacity`, `used`, `available`, `peak`, `reset_peak`", []<class S>(std::type_identity<S>) {
    return requires(S& s) {
      s.capacity();
      s.used();
      s.available();
      s.peak();
      s.reset_peak();
    };
  });
  row("serves containers, `std::pmr`",
      []<class S>(std::type_identity<S>) { return Allocating<S> || HandingOutBlocks<S>; });
  row("serves C libraries' hooks", []<class S>(std::type_identity<S>) { return Allocating<S>; });
  return out.str();
}

} // namespace

int main(int count, char** arguments) {
  const std::string printed = table();
  if (count != 3 || std::string_view(arguments[1]) != "--compare") {
    std::cout << printed;
    return 0;
  }
  std::ifstream file(arguments[2]);
  const std::string kept((std::istreambuf_iterator<char>(file)), {});
  if (kept == printed)
    return 0;
  std::cerr << arguments[2] << " does not say what the compiler answers; this does:\n" << printed;
  return 1;
}
