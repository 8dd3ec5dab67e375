// A program that is made up: it calls functions, allocates and frees, and leaves the trace that a
// recorder would have written.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "trace/reader.hpp"
#include "trace/writer.hpp"

/// A file that is gone when this is.
class TemporaryFile {
public:
  TemporaryFile() {
    const int file = ::mkstemp(path_.data());
    if (file >= 0)
      ::close(file);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

private:
  std::string path_ = "/tmp/allot-test-XXXXXX";
};

class Recording {
public:
  using Address = std::uint64_t;
  static constexpr std::uint64_t base = 0x500000; // of the program, which has no symbols

  explicit Recording(const std::string& path, const std::string& program = "/nowhere/program",
                     const std::vector<std::string>& arguments = {})
      : writer_(path) {
    payload_.resize(trace::max_payload + 256);
    begin();
    number(1);
    text(program);
    number(arguments.size());
    for (const std::string& argument : arguments)
      text(argument);
    put(trace::FrameKind::program, {});
    number(base);
    number(base + 0x1000000);
    number(base);
    number(0);
    text(program);
    trace::FrameHeader header{};
    header.count = 1;
    put(trace::FrameKind::modules, header);
    threads_.resize(1);
  }

  /// How a function is called in advice.
  static std::string name(std::uint32_t function) {
    char text[32];
    std::snprintf(text, sizeof text, "program+0x%x", function * 0x1000);
    return text;
  }

  void on_thread(std::uint32_t thread) {
    if (thread >= threads_.size())
      threads_.resize(thread + 1);
    thread_ = thread;
  }
  void enter(std::uint32_t function) {
    if (!now().stack.empty())
      now().stack.back().line = 200 + function % 50;
    now().stack.push_back({function, 0});
  }
  void leave() {
    now().stack.pop_back();
    now().kept = std::min(now().kept, now().stack.size());
  }

  /// `line` tells calls in one function apart.
  Address allocate(std::uint64_t size, std::uint32_t line = 1,
                   trace::Operation operation = trace::Operation::malloc) {
    const Address address = take(size);
    event(operation, line, 0, address, size);
    return address;
  }
  void free(Address address, std::uint32_t line = 2) {
    event(trace::Operation::free, line, 0, address, 0);
    give(address);
  }
  Address reallocate(Address old, std::uint64_t size, std::uint32_t line = 3) {
    const Address address = take(size);
    event(trace::Operation::reallocate, line, old, address, size, order_++);
    if (old != 0)
      give(old);
    return address;
  }
  /// The same, and another thread does something when the old block is gone already.
  Address reallocate_while(Address old, std::uint64_t size, std::uint32_t thread, auto&& act) {
    const std::uint64_t gone = order_++;
    give(old);
    std::swap(thread, thread_);
    act();
    std::swap(thread, thread_);
    const Address address = take(size);
    event(trace::Operation::reallocate, 3, old, address, size, gone);
    return address;
  }

  /// What the clock shows at the next events: nanoseconds since the program began.
  void at(std::uint64_t ns) { clock_ = ns; }

  /// `seconds` of processor time.
  void finish(double seconds) {
    flush_all();
    number(events_);
    number(0);
    number(0);
    number(0);
    number(static_cast<std::uint64_t>(seconds * 1e9));
    number(0);
    number(0); // recording took nothing of it
    put(trace::FrameKind::footer, {});
  }
  void flush_all() {
    for (std::uint32_t t = 0; t < threads_.size(); ++t)
      flush(t);
  }
  std::uint64_t events() const { return events_; }

private:
  struct Frame {
    std::uint32_t function;
    std::uint32_t line;
  };
  struct Thread {
    std::vector<Frame> stack;
    std::size_t kept = 0; // since the last event
    std::vector<std::uint8_t> events;
    trace::FrameHeader header{};
    std::uint64_t address = 0;
    std::uint64_t order = 0;
  };

  Thread& now() { return threads_[thread_]; }

  void event(trace::Operation operation, std::uint32_t line, Address old, Address address,
             std::uint64_t size, std::uint64_t gone = 0) {
    const std::uint64_t got = order_++;
    const bool moves = operation == trace::Operation::reallocate;
    const std::uint64_t order = moves ? gone : got;
    Thread& thread = now();
    thread.stack.back().line = line;
    const std::uint32_t context = context_of(thread.stack);
    if (thread.events.size() + trace::max_event > 60000)
      flush(thread_);
    if (thread.events.empty()) {
      thread.header.first = order;
      thread.header.begin = clock_;
      thread.order = order - 1;
      thread.address = 0;
    }
    std::uint8_t bytes[trace::max_event];
    std::uint8_t* at = bytes + 1;
    bytes[0] = static_cast<std::uint8_t>(operation) | trace::flag::ordered;
    at = trace::put(at, order - thread.order);
    at = trace::put(at, thread.kept);
    at = trace::put(at, context);
    const auto put_address = [&](Address a) {
      at = trace::put(at, trace::zigzag(static_cast<std::int64_t>(a - thread.address) / 16));
      thread.address = a;
    };
    if (moves)
      put_address(old);
    put_address(address);
    if (!trace::releases(operation))
      at = trace::put(at, size);
    if (operation == trace::Operation::aligned)
      at = trace::put(at, 6);
    if (moves)
      at = trace::put(at, got - order - 1);
    thread.events.insert(thread.events.end(), bytes, at);
    thread.order = thread.header.last = got;
    ++events_;
    ++thread.header.count;
    thread.header.end = clock_;
    thread.kept = thread.stack.size();
  }

  std::uint32_t context_of(const std::vector<Frame>& stack) {
    std::uint32_t context = 0;
    for (const Frame& frame : stack) {
      const std::uint64_t start = base + frame.function * 0x1000;
      const auto [found, made] = contexts_.try_emplace({context, start + 16 * frame.line}, next_);
      if (made) {
        ++next_;
        new_contexts_.push_back({context, 0, start + 16 * frame.line, start});
      }
      context = found->second;
    }
    return context;
  }

  void flush(std::uint32_t number_of) {
    begin();
    trace::FrameHeader header{};
    header.count = new_contexts_.size();
    for (const trace::Context& context : new_contexts_) {
      number(context.parent);
      number(trace::zigzag(static_cast<std::int64_t>(context.ip - ip_)));
      number(context.ip - context.function);
      ip_ = context.ip;
      if (used_ > trace::max_payload - 64) { // no test needs more
        std::abort();
      }
    }
    new_contexts_.clear();
    if (header.count != 0)
      put(trace::FrameKind::contexts, header);
    Thread& thread = threads_[number_of];
    if (thread.events.empty())
      return;
    thread.header.kind = static_cast<std::uint32_t>(trace::FrameKind::events);
    thread.header.thread = number_of;
    writer_.put(thread.header, thread.events);
    thread.events.clear();
    thread.header = {};
  }

  Address take(std::uint64_t size) {
    const std::uint64_t rounded = (size + 15) / 16 * 16 + 16;
    auto& free = free_[rounded];
    Address address = top_;
    if (free.empty()) {
      top_ += rounded;
    } else {
      address = free.back();
      free.pop_back();
    }
    sizes_[address] = rounded;
    return address;
  }
  void give(Address address) {
    const auto found = sizes_.find(address);
    if (found == sizes_.end())
      return; // a block that nobody saw
    free_[found->second].push_back(address);
    sizes_.erase(found);
  }

  void begin() { used_ = 0; }
  void number(std::uint64_t n) {
    used_ = static_cast<std::size_t>(trace::put(payload_.data() + used_, n) - payload_.data());
  }
  void text(const std::string& s) {
    number(s.size());
    for (const char c : s)
      payload_[used_++] = static_cast<std::uint8_t>(c);
  }
  void put(trace::FrameKind kind, trace::FrameHeader header) {
    header.kind = static_cast<std::uint32_t>(kind);
    writer_.put(header, {payload_.data(), used_});
    begin();
  }

  trace::Writer writer_;
  std::vector<std::uint8_t> payload_;
  std::size_t used_ = 0;
  std::vector<Thread> threads_;
  std::uint32_t thread_ = 0;
  std::uint64_t order_ = 1;
  std::uint64_t events_ = 0;
  std::uint64_t clock_ = 0;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> contexts_;
  std::vector<trace::Context> new_contexts_;
  std::uint32_t next_ = 1;
  std::uint64_t ip_ = 0;
  Address top_ = 0x10000000;
  std::map<std::uint64_t, std::vector<Address>> free_;
  std::map<Address, std::uint64_t> sizes_;
};

/// Calls a function for as long as it lives.
class Call {
public:
  Call(Recording& recording, std::uint32_t function) : recording_(recording) {
    recording.enter(function);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() { recording_.leave(); }

private:
  Recording& recording_;
};
