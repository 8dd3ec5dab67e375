// Lua in a Multipool: its hook gets a context and all sizes, and trusts that shrinking never fails.
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "files.hpp"
#include "support.hpp"

#include <gtest/gtest.h>
#include <lua.hpp>

#include <cstddef>
#include <functional>
#include <string>

namespace {

using namespace allot;

/// Fails the `countdown`-th request that is not for less than before, and those after it if
/// `for_good`.
struct Failing {
  Multipool& pool;
  std::size_t countdown;
  bool for_good;
  std::size_t calls = 0;
  bool failed = false;

  static void* hook(void* self, void* p, std::size_t old_bytes, std::size_t new_bytes) {
    Failing& f = *static_cast<Failing*>(self);
    if (p == nullptr ? new_bytes != 0 : new_bytes > old_bytes) {
      const bool now = ++f.calls == f.countdown || (f.for_good && f.calls > f.countdown);
      f.failed |= now;
      if (now)
        return nullptr;
    }
    void* const result = hooks::resize<Multipool>(&f.pool, p, old_bytes, new_bytes);
    EXPECT_TRUE(result != nullptr || new_bytes == 0 || p == nullptr || new_bytes > old_bytes)
        << "shrinking failed";
    return result;
  }
};

/// What the host does before a script, protected from errors; its argument is the script's scale.
int prepare(lua_State* lua) {
  lua_setglobal(lua, "scale");
  luaL_openlibs(lua);
  return 0;
}

struct Outcome {
  int status = LUA_ERRMEM;
  std::string text; // what the script returned last, or the error
};

/// Runs `script` in a new state, and then another script in the same state, which must work.
Outcome run(lua_Alloc hook, void* context, const std::string& script, int scale,
            const std::function<void()>& relief = {}) {
  lua_State* const lua = lua_newstate(hook, context);
  Outcome outcome;
  if (lua == nullptr)
    return outcome;
  lua_pushcfunction(lua, prepare); // allocates nothing
  lua_pushinteger(lua, scale);
  outcome.status = lua_pcall(lua, 1, 0, 0);
  if (outcome.status == LUA_OK)
    outcome.status = luaL_loadbufferx(lua, script.data(), script.size(), "=script", "t");
  if (outcome.status == LUA_OK)
    outcome.status = lua_pcall(lua, 0, 2, 0);
  if (const char* const text = lua_tostring(lua, -1))
    outcome.text = text;
  lua_settop(lua, 0);

  if (relief)
    relief();
  lua_gc(lua, LUA_GCCOLLECT);
  EXPECT_EQ(luaL_dostring(lua, "local t = {} for i = 1, 100 do t[i] = {i} end return #t"), LUA_OK);
  EXPECT_EQ(lua_tointeger(lua, -1), 100);
  lua_close(lua);
  return outcome;
}

std::string script() {
  return clients::read(ALLOT_CLIENTS "/script.lua");
}

TEST(Lua, RunsAScriptWhollyInAMultipool) {
  Multipool pool;
  Failing counting{.pool = pool, .countdown = 0, .for_good = false};
  const Outcome outcome = run(Failing::hook, &counting, script(), 2);
  EXPECT_EQ(outcome.status, LUA_OK);
  EXPECT_EQ(outcome.text, "texts gsub bytes tables metatables sorting sieve closures coroutines "
                          "expressions json brainfuck garbage closing");
  EXPECT_GT(counting.calls, 100'000u);
  EXPECT_EQ(pool.used(), 0u);
  const Outcome again = run(hooks::resize<Multipool>, &pool, script(), 1);
  EXPECT_EQ(again.text, outcome.text);
  EXPECT_EQ(pool.used(), 0u);
}

TEST(Lua, RunsInARegionToo) {
  Region region;
  EXPECT_EQ(run(hooks::resize<Region>, &region, "return 0, ('x'):rep(10)", 1).text, "xxxxxxxxxx");
}

TEST(Lua, RunsOutOfMemoryUnderALimitAndSurvives) {
  const std::string text = script();
  int refused = 0;
  for (std::size_t limit = 64_KiB; limit <= 4_MiB; limit += limit / 2) {
    Multipool pool({.limit = limit});
    lua_State* const lua = lua_newstate(hooks::resize<Multipool>, &pool);
    if (lua == nullptr) {
      ++refused;
      EXPECT_EQ(pool.used(), 0u);
      continue;
    }
    lua_pushcfunction(lua, prepare);
    lua_pushinteger(lua, 1);
    int status = lua_pcall(lua, 1, 0, 0);
    if (status == LUA_OK)
      status = luaL_loadbufferx(lua, text.data(), text.size(), "=script", "t");
    if (status == LUA_OK)
      status = lua_pcall(lua, 0, 2, 0);
    if (status != LUA_OK) {
      EXPECT_EQ(status, LUA_ERRMEM) << lua_tostring(lua, -1);
      EXPECT_STREQ(lua_tostring(lua, -1), "not enough memory");
      ++refused;
    }
    lua_settop(lua, 0);
    lua_gc(lua, LUA_GCCOLLECT);
    lua_close(lua);
    EXPECT_EQ(pool.used(), 0u) << limit;
  }
  EXPECT_GT(refused, 3);
}

TEST(Lua, AScriptCatchesThatMemoryIsOutAndGoesOn) {
  Multipool pool({.limit = 2_MiB});
  const Outcome outcome = run(hooks::resize<Multipool>, &pool, R"(
    local big = { pcall(string.rep, "x", 1 << 30) }
    assert(not big[1] and big[2] == "not enough memory")
    local ok, problem = pcall(function()
      local all = {}
      while true do
        all[#all + 1] = { #all, tostring(#all) }
      end
    end)
    assert(not ok and problem == "not enough memory", problem)
    local n = 0
    for i = 1, 10000 do
      n = n + #tostring(i) + #{ i }
    end
    return 0, tostring(n)
  )",
                              1);
  EXPECT_EQ(outcome.status, LUA_OK);
  EXPECT_EQ(outcome.text, "48894");
  EXPECT_EQ(pool.used(), 0u);
}

TEST(Lua, AnyRequestMayFail) {
  const std::string text = R"(
    local function work(n)
      local t, s = {}, ""
      for i = 1, n do
        t[i] = setmetatable({ name = "item " .. i }, { __index = function(_, k) return k end })
        s = s .. t[i].name
      end
      local co = coroutine.wrap(function(a) while true do a = coroutine.yield({ a }) end end)
      for i = 1, n do
        assert(co(i)[1] == i)
      end
      table.sort(t, function(a, b) return a.name < b.name end)
      return #s:gsub("%d+", "<%0>")
    end
    return 0, tostring(work(20))
  )";
  for (const bool for_good : {false, true}) {
    Multipool pool;
    for (std::size_t n = 1;; ++n) {
      ASSERT_LT(n, 5000u);
      Failing failing{.pool = pool, .countdown = n, .for_good = for_good};
      const Outcome outcome =
          run(Failing::hook, &failing, text, 1, [&] { failing.for_good = false; });
      ASSERT_EQ(pool.used(), 0u) << "after failure " << n;
      if (outcome.status == LUA_OK)
        EXPECT_EQ(outcome.text, "171");
      else
        ASSERT_EQ(outcome.status, LUA_ERRMEM) << outcome.text;
      if (!failing.failed) {
        EXPECT_GT(n, 500u);
        break;
      }
    }
  }
}

} // namespace
