#include "arenas.hpp"

#include <allot/scratch.hpp>

namespace {

const model::Driver driver("scratch", [](model::Input& input) {
  model::ArenaDriver<allot::Scratch>(input).run();
});

} // namespace
