#include "shared.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace trial {
namespace {

template <class T>
T* part(void* memory, std::size_t at) {
  return reinterpret_cast<T*>(static_cast<char*>(memory) + at);
}

Module module_of(const Plan::Module& from) {
  Module module{};
  if (from.build_id.size() <= sizeof module.build_id) {
    std::memcpy(module.build_id, from.build_id.data(), from.build_id.size());
    module.build_id_bytes = static_cast<std::uint32_t>(from.build_id.size());
  }
  const std::string name = from.path.substr(from.path.rfind('/') + 1);
  std::memcpy(module.name, name.data(), std::min(name.size(), sizeof module.name - 1));
  return module;
}

} // namespace

Shared::Shared(const Plan& plan, const Task& task)
    : plan_(plan), file_(::memfd_create("allot trial", MFD_CLOEXEC)) {
  Header header{};
  header.magic = magic;
  header.protocol = protocol;
  header.way = task.way;
  header.measure_teardown = task.measure_teardown ? 1 : 0;
  header.served = task.served;
  header.modules = static_cast<std::uint32_t>(plan.modules.size());
  header.nodes = static_cast<std::uint32_t>(plan.nodes.size());
  header.routes = static_cast<std::uint32_t>(plan.routes.size());
  bytes_ = segment_bytes(header);
  if (file_.number() >= 0 && ::ftruncate(file_.number(), static_cast<off_t>(bytes_)) == 0)
    memory_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file_.number(), 0);
  if (memory_ == nullptr || memory_ == MAP_FAILED)
    throw std::system_error(errno, std::generic_category(), "memory for a trial");

  std::memcpy(memory_, &header, sizeof header);
  std::transform(plan.modules.begin(), plan.modules.end(), part<Module>(memory_, modules_at),
                 module_of);
  std::transform(plan.nodes.begin(), plan.nodes.end(), part<Node>(memory_, nodes_at(header)),
                 [](const Plan::Node& node) {
                   return Node{node.offset, node.module, node.parent, node.route, 0};
                 });
  std::transform(
      plan.routes.begin(), plan.routes.end(), part<Route>(memory_, routes_at(header)),
      [](const Plan::Route& route) {
        return Route{route.pool ? Kind::pool : Kind::region, 0, route.bytes, route.blocks};
      });
}

Shared::~Shared() {
  ::munmap(memory_, bytes_);
}

std::string Shared::variable() const {
  return fmt::format("{}=/proc/{}/fd/{}", environment_variable, ::getpid(), file_.number());
}

const Seen& Shared::seen() const {
  return *part<Seen>(memory_, seen_at(header()));
}

std::string Shared::refusal() const {
  switch (seen().state.load(std::memory_order_acquire)) {
  case State::ready:
    return {};
  case State::refused:
    return {seen().refusal, ::strnlen(seen().refusal, sizeof seen().refusal)};
  case State::none:
    break;
  }
  return "the library was not loaded";
}

std::string Shared::other_build() const {
  for (std::size_t i = 0; i < plan_.modules.size(); ++i)
    if (seen().modules[i].load() == Match::differs &&
        std::any_of(plan_.nodes.begin(), plan_.nodes.end(),
                    [i](const Plan::Node& node) { return node.module == i; }))
      return plan_.modules[i].path;
  return {};
}

std::vector<const Instance*> Shared::instances_of(std::size_t route) const {
  const auto* const all = part<const Instance>(memory_, instances_at(header()));
  const std::uint32_t used = std::min(seen().instances.load(), max_instances);
  std::vector<const Instance*> found;
  for (std::uint32_t i = 0; i < used; ++i)
    if (all[i].route == route)
      found.push_back(all + i);
  return found;
}

Counts Shared::counts(std::size_t route) const {
  Counts counts;
  const Route& predicted = part<const Route>(memory_, routes_at(header()))[route];
  for (const Instance* const i : instances_of(route)) {
    counts.calls += i->calls();
    counts.served += i->served;
    counts.epochs += i->epochs;
    auto& most = plan_.routes[route].pool ? counts.blocks : counts.bytes;
    most = std::max(most, i->most());
    counts.foreign += i->foreign.load();
    counts.left += i->left;
    counts.refused += i->refused;
    counts.outgrown = counts.outgrown || (i->most() != 0 && i->outgrew(predicted));
  }
  return counts;
}

Teardown Shared::teardown(std::size_t route) const {
  Teardown all;
  for (const Instance* const i : instances_of(route)) {
    all.ticks += i->teardown_ticks;
    all.steps += i->teardown_steps;
  }
  return all;
}

} // namespace trial
