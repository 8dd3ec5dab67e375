#include "arenas.hpp"

namespace {

const model::Driver driver("arena", [](model::Input& input) {
  model::ArenaDriver<allot::Arena>(input).run();
});

} // namespace
