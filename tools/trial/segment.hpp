// The memory that `allot trial` and a program under trial share. The command makes it, with the
// plan in it; the library maps it and writes what it sees. It outlives the program, so that nothing
// is lost when that is killed.
//
//   Header | Module ... | Node ... | Route ... | (next page) Seen | Instance ...
//            modules      nodes      routes                         max_instances
//
// What is behind the routes is zero at first, and sparse: what isn't written to costs nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace trial {

constexpr std::uint32_t magic = 0x4c495254; ///< "TRIL"
constexpr std::uint32_t protocol =
    1; ///< of both sides; the library and the command are built together
constexpr char environment_variable[] = "ALLOT_TRIAL"; ///< names the file, by a path that the
                                                       ///< program can open for writing

constexpr std::uint32_t max_routes = 64;
constexpr std::uint32_t max_modules = 1024;
constexpr std::uint32_t max_nodes = std::uint32_t{1} << 20;
constexpr std::uint32_t max_instances = 2048; ///< a thread's, of one route
constexpr std::uint64_t outgrown = 10;        ///< times the prediction, and it is told

enum class Way : std::uint32_t {
  control, ///< the same look-ups, but every block comes from the program's own malloc
  routed,
};

struct Header {
  std::uint32_t magic;
  std::uint32_t protocol;
  Way way;
  std::uint32_t measure_teardown; ///< 1: Instance::teardown_* are counted, which costs time
  std::uint64_t served; ///< bit k: route k; of the others blocks come from the program's malloc
  std::uint32_t modules;
  std::uint32_t nodes;
  std::uint32_t routes;
  std::uint32_t unused;
};

/// A file that code was in when the plan was recorded.
struct Module {
  std::uint8_t build_id[32];
  std::uint32_t build_id_bytes; ///< 0: it has none, and nothing in it is found
  char name[124];               ///< of the file, without its folder; cut off if it is longer
};

/// A return address of a call stack, seen from the inside out: the key of a route, or an inner
/// place after which one frame more has to be looked at.
struct Node {
  std::uint64_t offset; ///< from where the module is loaded
  std::uint32_t module;
  std::uint32_t parent; ///< the node further in, plus 1, which stands before this one; 0: it is the
                        ///< innermost, which called malloc
  std::int32_t route;   ///< -1: an inner place
  std::uint32_t unused;
};

enum class Kind : std::uint32_t { region, pool };

struct Route {
  Kind kind;
  std::uint32_t unused;
  std::uint64_t bytes;  ///< of a block of a pool; the most of an epoch of a region
  std::uint64_t blocks; ///< of a pool: the most that live at once
};

enum class State : std::uint32_t {
  none,    ///< the library was not loaded, or has nothing to do with malloc in it
  ready,   ///< the plan is in force
  refused, ///< Seen::refusal says why it isn't; the program runs as it is
};

/// Of a module of the plan.
enum class Match : std::uint32_t {
  absent,  ///< no file of its name was loaded
  matched, ///< the build ids are the same: its nodes count
  differs, ///< a file of its name was loaded, but another build of it
};

/// Of the whole; what the program writes.
struct Seen {
  std::atomic<State> state;
  char refusal[124];
  std::atomic<std::uint32_t> instances; ///< that were used: the first ones
  std::atomic<std::uint32_t> unused;
  std::atomic<std::uint64_t> unplaced; ///< calls of routes for which there was no instance left
  std::atomic<Match> modules[max_modules];
};

/// What one thread did on one route, and after its end a thread that went on with it. The owner
/// alone writes, but for `foreign`. A reallocation counts as a block more and one freed.
struct Instance {
  std::uint32_t route;
  std::uint32_t unused;
  std::uint64_t served;    ///< blocks from allot
  std::uint64_t freed;     ///< of them
  std::uint64_t passed_on; ///< calls that the look-up found, but that way or mask left as is
  std::uint64_t refused;   ///< calls not served as the block was larger than the pool's, the
                           ///< pool was full, or the region had no room
  std::uint64_t epochs;    ///< of a region: how often the last block of it was freed
  std::uint64_t bytes;     ///< of a region: of this epoch, each block rounded up to 16
  std::uint64_t peak;      ///< of a region: the most bytes of an epoch before; of a pool: the
                           ///< most blocks in use
  std::uint64_t left;      ///< reallocations whose context wasn't the route's took so many away
  std::uint64_t teardown_ticks; ///< of the processor's clock, from one free of a region to the next
                                ///< with nothing allocated between, what the first one takes with
                                ///< it: destructors go when the region is reset by hand
  std::uint64_t teardown_steps; ///< how many such steps there were
  std::uint64_t unused_too[4];
  std::atomic<std::uint64_t> foreign; ///< blocks that another thread freed

  /// That the look-up found, of malloc and its kin, of realloc too: what CALLS of a plan predicts.
  std::uint64_t calls() const { return served + passed_on + refused; }
  /// What BYTES or BLOCKS predicts.
  std::uint64_t most() const { return bytes > peak ? bytes : peak; }
  /// Ten times what was predicted, or more, which a pool has not.
  bool outgrew(const Route& predicted) const {
    const std::uint64_t n = predicted.kind == Kind::pool ? predicted.blocks : predicted.bytes;
    return n != 0 && most() / outgrown >= n;
  }
};

/// Where the parts are, in bytes from the beginning.
constexpr std::size_t modules_at = 64;
constexpr std::size_t nodes_at(const Header& h) {
  return modules_at + h.modules * sizeof(Module);
}
constexpr std::size_t routes_at(const Header& h) {
  return nodes_at(h) + h.nodes * sizeof(Node);
}
constexpr std::size_t seen_at(const Header& h) {
  return (routes_at(h) + h.routes * sizeof(Route) + 4095) / 4096 * 4096;
}
constexpr std::size_t instances_at(const Header& h) {
  return seen_at(h) + (sizeof(Seen) + 63) / 64 * 64;
}
/// The size of the file.
constexpr std::size_t segment_bytes(const Header& h) {
  return instances_at(h) + max_instances * sizeof(Instance);
}
static_assert(sizeof(Header) <= modules_at && sizeof(Module) % 8 == 0 &&
              sizeof(Instance) % 64 == 0);

} // namespace trial
