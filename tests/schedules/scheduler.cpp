#include "scheduler.hpp"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <semaphore>
#include <thread>

namespace schedules {
namespace {

// Who may go on: thread i, or what waits in its buffer. A set of them is a mask.
using Agent = int;
using Agents = unsigned;
Agent thread_agent(int i) {
  return 2 * i;
}
Agent buffer_agent(int i) {
  return 2 * i + 1;
}
Agents only(Agent a) {
  return 1U << a;
}

bool touches_memory(const Step& step) {
  return step.kind == Kind::load || step.kind == Kind::update || step.kind == Kind::lock ||
         step.kind == Kind::flush;
}
bool writes_memory(const Step& step) {
  return touches_memory(step) && step.kind != Kind::load;
}

} // namespace

struct Scheduler::Machine {
  struct Store {
    Place* place;
    Word value;
    Clock clock;
  };
  struct Thread {
    std::function<void()> body;
    std::thread thread;
    std::binary_semaphore turn{0};
    Step next;
    bool done = true;
    std::deque<Store> buffer;
    Clock clock;
    unsigned written = 0; // by it, to memory
    unsigned seen = 0;    // by others, when it yielded
  };
  // Where it was chosen who goes on.
  struct Choice {
    Agents enabled;
    Agents asleep; // need not go on here: it would lead to what was seen
    Agent chosen;
  };
  struct Event {
    Agent agent;
    Step step;
    Word value;
  };

  std::array<Thread, max_threads> threads;
  std::binary_semaphore all_done{0};
  int count = 0; // of threads
  bool starting = false;
  bool ending = false; // the process

  std::vector<Choice> path;
  std::size_t depth = 0;
  Agents asleep = 0; // at the next choice
  Agent last = 0;
  bool cut = false;
  bool all = false;
  std::string fault;
  std::vector<Event> events;

  Machine();
  ~Machine();
  void work(int self);
  void run(const Program& program);
  void go_on(int self);
  int choose();
  Agents enabled() const;
  bool can_step(int i) const;
  Step step_of(Agent agent) const;
  bool independent(Agent a, Agent b) const;
  Agent decide(Agents candidates);
  void flush(int i);
  unsigned written_by_others(int self) const;
  std::string story() const;
  bool next_path();
};

namespace {
Scheduler* the_running = nullptr;
thread_local int self = -1;
} // namespace

Scheduler* Scheduler::running() {
  return self < 0 ? nullptr : the_running;
}

Scheduler::Scheduler() : machine_(std::make_unique<Machine>()) {
  the_running = this;
}
Scheduler::~Scheduler() {
  machine_.reset();
  the_running = nullptr;
}

// -------------------------------------------------------------------------------- whose turn it is

Scheduler::Machine::Machine() {
  for (int i = 0; i != max_threads; ++i)
    threads[static_cast<std::size_t>(i)].thread = std::thread([this, i] { work(i); });
}

Scheduler::Machine::~Machine() {
  ending = true;
  for (Thread& thread : threads) {
    thread.turn.release();
    thread.thread.join();
  }
}

void Scheduler::Machine::work(int i) {
  self = i;
  Thread& mine = threads[static_cast<std::size_t>(i)];
  for (;;) {
    mine.turn.acquire();
    if (ending)
      return;
    mine.body();
    mine.done = true;
    go_on(-1);
  }
}

// One thread of the program after the other up to its first step, then those that are chosen.
void Scheduler::Machine::run(const Program& program) {
  count = static_cast<int>(program.threads.size());
  depth = 0;
  asleep = 0;
  last = 0;
  cut = false;
  events.clear();
  starting = true;
  for (std::size_t i = 0; i != program.threads.size(); ++i) {
    Thread& thread = threads[i];
    thread.body = program.threads[i];
    thread.done = false;
    thread.clock = {};
    thread.clock.of[i] = 1;
    thread.written = 0;
    thread.turn.release();
    all_done.acquire();
  }
  starting = false;
  const int first = choose();
  if (first >= 0) {
    threads[static_cast<std::size_t>(first)].turn.release();
    all_done.acquire();
  }
}

// Hands over to who is next, and waits, unless that is this thread itself.
void Scheduler::Machine::go_on(int i) {
  const int next = starting ? -1 : choose();
  if (next >= 0 && next == i)
    return;
  if (next >= 0)
    threads[static_cast<std::size_t>(next)].turn.release();
  else
    all_done.release();
  if (i >= 0)
    threads[static_cast<std::size_t>(i)].turn.acquire();
}

// What waits in buffers is written here. The thread that is to go on; -1: all is done.
int Scheduler::Machine::choose() {
  for (;;) {
    const Agents candidates = enabled();
    if (candidates == 0) {
      for (int i = 0; i != count; ++i) {
        if (!threads[static_cast<std::size_t>(i)].done) {
          std::printf("FAILED: no thread can go on:%s\n", story().c_str());
          std::fflush(stdout);
          std::_Exit(1); // what waits cannot be ended
        }
      }
      return -1;
    }
    const Agent agent = decide(candidates);
    last = agent;
    events.push_back({agent, step_of(agent), 0});
    if (agent % 2 == 0)
      return agent / 2;
    flush(agent / 2);
  }
}

Agent Scheduler::Machine::decide(Agents candidates) {
  Agents awake = candidates;
  if (!cut && depth == path.size()) {
    awake &= ~asleep;
    cut = awake == 0;
  }
  Agent chosen = last;
  if (cut) {
    awake = candidates;
  } else if (depth < path.size()) {
    awake = only(path[depth].chosen);
    if (path[depth].enabled != candidates) {
      std::puts("FAILED: a program does not do the same again");
      std::_Exit(1);
    }
  }
  while ((awake & only(chosen)) == 0)
    chosen = (chosen + 1) % (2 * max_threads);
  if (cut)
    return chosen;
  if (depth == path.size())
    path.push_back({candidates, asleep, chosen});
  asleep = 0;
  for (Agent agent = 0; agent != 2 * max_threads; ++agent)
    if (!all && (path[depth].asleep & only(agent)) != 0 && independent(agent, chosen))
      asleep |= only(agent);
  ++depth;
  return chosen;
}

// To the next order, which differs as late as it can. False: there is none.
bool Scheduler::Machine::next_path() {
  for (; !path.empty(); path.pop_back()) {
    Choice& choice = path.back();
    choice.asleep |= only(choice.chosen);
    const Agents awake = choice.enabled & ~choice.asleep;
    if (awake == 0)
      continue;
    choice.chosen = 0;
    while ((awake & only(choice.chosen)) == 0)
      ++choice.chosen;
    return true;
  }
  return false;
}

Result Scheduler::explore(const std::function<Program()>& make, bool all) {
  Machine& m = *machine_;
  m.all = all;
  Result result;
  m.path.clear();
  m.fault.clear();
  do {
    const Program program = make();
    m.run(program);
    if (m.fault.empty())
      program.at_end();
    ++(m.cut ? result.cut : result.schedules);
  } while (m.fault.empty() && m.next_path());
  result.fault = m.fault;
  return result;
}

// ----------------------------------------------------------------------------- what may come next

bool Scheduler::Machine::can_step(int i) const {
  const Thread& thread = threads[static_cast<std::size_t>(i)];
  if (thread.done)
    return false;
  switch (thread.next.kind) {
  case Kind::load:
  case Kind::store:
  case Kind::flush:
    return true;
  case Kind::update:
  case Kind::fence:
    return thread.buffer.empty();
  case Kind::lock:
    return thread.buffer.empty() && thread.next.place->value == 0;
  case Kind::fence_other:
    return threads[static_cast<std::size_t>(thread.next.other)].buffer.empty();
  case Kind::yield: // what it waits for is nothing that it does itself
    return thread.seen != written_by_others(i);
  }
  return false;
}

Agents Scheduler::Machine::enabled() const {
  Agents result = 0;
  for (int i = 0; i != count; ++i) {
    if (can_step(i))
      result |= only(thread_agent(i));
    if (!threads[static_cast<std::size_t>(i)].buffer.empty())
      result |= only(buffer_agent(i));
  }
  return result;
}

Step Scheduler::Machine::step_of(Agent agent) const {
  const Thread& thread = threads[static_cast<std::size_t>(agent / 2)];
  return agent % 2 == 0 ? thread.next : Step{Kind::flush, thread.buffer.front().place};
}

// Whether both lead to the same in either order. A thread and its own buffer do: it reads what
// waits there as if it were in memory, and adds behind it.
bool Scheduler::Machine::independent(Agent a, Agent b) const {
  if (a / 2 == b / 2)
    return a != b;
  const Step& one = step_of(a);
  const Step& two = step_of(b);
  const auto fences = [](const Step& fence, Agent who, const Step& step) {
    return fence.kind == Kind::fence_other && fence.other == who / 2 &&
           (step.kind == Kind::store || step.kind == Kind::flush);
  };
  const auto wakes = [](const Step& yields, const Step& step) {
    return yields.kind == Kind::yield && writes_memory(step);
  };
  if (fences(one, b, two) || fences(two, a, one) || wakes(one, two) || wakes(two, one))
    return false;
  return !touches_memory(one) || !touches_memory(two) || one.place != two.place ||
         (!writes_memory(one) && !writes_memory(two));
}

unsigned Scheduler::Machine::written_by_others(int i) const {
  unsigned written = 0;
  for (int other = 0; other != count; ++other)
    written += other != i ? threads[static_cast<std::size_t>(other)].written : 0;
  return written;
}

void Scheduler::Machine::flush(int i) {
  Thread& thread = threads[static_cast<std::size_t>(i)];
  const Store& store = thread.buffer.front();
  store.place->value = store.value;
  store.place->clock = store.clock;
  events.back().value = store.value;
  thread.buffer.pop_front();
  ++thread.written;
}

// ------------------------------------------------------------------------------- what a step does

void Scheduler::before(const Step& step) {
  machine_->threads[static_cast<std::size_t>(self)].next = step;
  machine_->go_on(self);
}

Word Scheduler::load(Place& place, bool acquires) {
  Machine::Thread& mine = machine_->threads[static_cast<std::size_t>(self)];
  Word value = place.value;
  bool own = false;
  for (const Machine::Store& store : mine.buffer) {
    if (store.place == &place) {
      value = store.value;
      own = true;
    }
  }
  if (acquires && !own)
    mine.clock.join(place.clock);
  machine_->events.back().value = value;
  return value;
}

void Scheduler::store(Place& place, Word value, bool releases) {
  Machine::Thread& mine = machine_->threads[static_cast<std::size_t>(self)];
  mine.buffer.push_back({&place, value, releases ? mine.clock : Clock()});
  ++mine.clock.of[static_cast<std::size_t>(self)];
  machine_->events.back().value = value;
}

void Scheduler::update(Place& place, Word value, bool releases) {
  Machine::Thread& mine = machine_->threads[static_cast<std::size_t>(self)];
  place.value = value;
  if (releases)
    place.clock.join(mine.clock);
  ++mine.clock.of[static_cast<std::size_t>(self)];
  ++mine.written;
  machine_->events.back().value = value;
}

void Scheduler::take(Place& mutex) {
  (void)load(mutex, true);
  update(mutex, 1, false);
}

void Scheduler::fence_all() {
  before({Kind::fence});
  for (int other = 0; other != machine_->count; ++other)
    if (other != self)
      before({Kind::fence_other, nullptr, other});
}

void Scheduler::yield() {
  machine_->threads[static_cast<std::size_t>(self)].seen = machine_->written_by_others(self);
  before({Kind::yield});
}

void Scheduler::read(Touched& memory, const char* what) {
  const Clock& mine = machine_->threads[static_cast<std::size_t>(self)].clock;
  for (std::size_t i = 0; i != mine.of.size(); ++i)
    if (memory.written.of[i] > mine.of[i])
      fail(std::string("memory is ") + what + " while another thread writes it");
  memory.read.of[static_cast<std::size_t>(self)] = mine.of[static_cast<std::size_t>(self)];
}

void Scheduler::write(Touched& memory, const char* what) {
  const Clock& mine = machine_->threads[static_cast<std::size_t>(self)].clock;
  for (std::size_t i = 0; i != mine.of.size(); ++i)
    if (memory.written.of[i] > mine.of[i] || memory.read.of[i] > mine.of[i])
      fail(std::string("memory is ") + what + " while another thread reads or writes it");
  memory.written.of[static_cast<std::size_t>(self)] = mine.of[static_cast<std::size_t>(self)];
}

void Scheduler::fail(const std::string& fault) {
  Machine& m = *the_running->machine_;
  if (m.fault.empty())
    m.fault = fault + ", after" + m.story();
}

std::string Scheduler::Machine::story() const {
  static constexpr const char* kinds[] = {"loads",  "stores", "updates",    "locks",
                                          "fences", "fences", "goes on at", "'s store reaches"};
  std::map<const Place*, char> names;
  std::string text;
  for (const Event& event : events) {
    const Step& step = event.step;
    const char name =
        names.emplace(step.place, static_cast<char>('a' + names.size())).first->second;
    text += "\n  " + std::to_string(event.agent / 2) + (step.kind == Kind::flush ? "" : " ") +
            kinds[static_cast<std::size_t>(step.kind)];
    if (step.place != nullptr)
      text += std::string(" ") + name + " = " + std::to_string(event.value);
  }
  return text;
}

} // namespace schedules
