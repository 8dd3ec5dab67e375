// SQLite in a Multipool: its hooks get no context and sizes of type int, and realloc is not told
// the old size.
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "support.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstddef>
#include <string>

namespace {

using namespace allot;

Multipool pool;

const sqlite3_mem_methods in_pool{hooks::allocate<pool>,
                                  hooks::deallocate<pool>,
                                  hooks::reallocate<pool>,
                                  hooks::usable_size<pool>,
                                  [](int bytes) { return (bytes + 15) & ~15; },
                                  [](void*) { return SQLITE_OK; },
                                  [](void*) {},
                                  nullptr};

/// Requests fail that are between the `first` and the `last` since `start`.
struct Failing {
  std::size_t calls = 0, first = 0, last = 0;
  bool now() { return ++calls >= first && calls <= last; }
  [[nodiscard]] bool failed() const { return calls >= first; }
};
Failing failing;

sqlite3_mem_methods failing_in_pool() {
  sqlite3_mem_methods methods = in_pool;
  methods.xMalloc = [](int bytes) { return failing.now() ? nullptr : in_pool.xMalloc(bytes); };
  methods.xRealloc = [](void* p, int bytes) {
    return failing.now() ? nullptr : in_pool.xRealloc(p, bytes);
  };
  return methods;
}

/// SQLite with other memory, from here to the end of the block.
class Sqlite {
public:
  explicit Sqlite(const sqlite3_mem_methods& methods) {
    EXPECT_EQ(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
  }
  Sqlite(const Sqlite&) = delete;
  ~Sqlite() {
    EXPECT_EQ(sqlite3_shutdown(), SQLITE_OK);
    const sqlite3_mem_methods none{};
    sqlite3_config(SQLITE_CONFIG_MALLOC, &none); // malloc again
  }
};

class Database {
public:
  explicit Database(const std::string& path) { status_ = sqlite3_open(path.c_str(), &database_); }
  Database(const Database&) = delete;
  ~Database() { EXPECT_EQ(sqlite3_close(database_), SQLITE_OK); }

  /// Does nothing once something has failed.
  Database& run(const std::string& sql) {
    if (status_ == SQLITE_OK)
      status_ = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
    return *this;
  }
  /// The first column of the first row.
  std::string ask(const std::string& sql) {
    std::string answer;
    sqlite3_stmt* statement = nullptr;
    if (status_ == SQLITE_OK)
      status_ = sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr);
    if (status_ == SQLITE_OK) {
      if (sqlite3_step(statement) == SQLITE_ROW)
        if (const unsigned char* const text = sqlite3_column_text(statement, 0))
          answer = reinterpret_cast<const char*>(text);
      status_ = sqlite3_finalize(statement);
    } else {
      sqlite3_finalize(statement);
    }
    return answer;
  }
  [[nodiscard]] int status() const { return status_; }
  void forgive() { status_ = SQLITE_OK; }

private:
  sqlite3* database_ = nullptr;
  int status_ = SQLITE_OK;
};

std::string rows(int n) {
  return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
         std::to_string(n) + ") ";
}

/// Two tables of n rows, an index, a join, changes and a vacuum; then all of it from the file
/// again. Gives what the queries do, or nothing if something failed; the state of it is in
/// `status`.
std::string work(const std::string& path, int n, int& status) {
  std::string answer;
  {
    Database db(path);
    db.run("PRAGMA synchronous = OFF")
        .run("BEGIN; CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT, size INT);"
             "CREATE TABLE b (id INTEGER PRIMARY KEY, a INT, note BLOB)")
        .run(rows(n) + "INSERT INTO a SELECT i, 'name ' || i, i * 7919 % 1000 FROM n")
        .run(rows(n) + "INSERT INTO b SELECT i, i * 31 % " + std::to_string(n) +
             " + 1, zeroblob(i % 300) FROM n")
        .run("COMMIT; CREATE INDEX by_size ON a (size, name)");
    answer = db.ask("SELECT sum(length(b.note)) || ' ' || count(DISTINCT a.name) FROM a "
                    "JOIN b ON b.a = a.id WHERE a.size < 500 ORDER BY a.name");
    db.run("DELETE FROM b WHERE id % 3 = 0; UPDATE a SET name = upper(name) WHERE size > 300")
        .run("VACUUM");
    status = db.status();
  }
  if (status == SQLITE_OK) {
    Database db(path);
    answer += ' ' + db.ask("SELECT count(*) || ' ' || max(name) FROM a INDEXED BY by_size "
                           "WHERE size BETWEEN 200 AND 800");
    answer += ' ' + db.ask("SELECT group_concat(id) FROM (SELECT id FROM b WHERE id < 9)");
    status = db.status();
  }
  return status == SQLITE_OK ? answer : "";
}
std::string check(const std::string& path) {
  return Database(path).ask("PRAGMA integrity_check");
}

TEST(Sqlite, WorksInAMultipoolAsUnderMalloc) {
  int status = SQLITE_OK;
  const std::string expected = work(test::FreshPath().string(), 5000, status);
  ASSERT_EQ(status, SQLITE_OK);
  ASSERT_GT(expected.size(), 20u);
  sqlite3_shutdown();

  const std::size_t before = pool.used();
  {
    const Sqlite sqlite(in_pool);
    const test::FreshPath path;
    EXPECT_EQ(work(path.string(), 5000, status), expected);
    EXPECT_EQ(status, SQLITE_OK);
    EXPECT_EQ(check(path.string()), "ok");
    EXPECT_GT(sqlite3_memory_highwater(0), 200'000);
    void* const p = sqlite3_malloc(1000);
    EXPECT_TRUE(pool.owns(p));
    sqlite3_free(p);
  }
  EXPECT_EQ(pool.used(), before);
}

// Whichever request fails, the work fails as a whole or succeeds, and nothing is lost.
class SqliteOutOfMemory : public testing::TestWithParam<bool> {
protected:
  // It makes thousands of files: in memory where that can be, for a busy disk makes them slow.
  static void SetUpTestSuite() {
    if (access("/dev/shm", W_OK) == 0)
      setenv("TMPDIR", "/dev/shm", 0);
  }
};
INSTANTIATE_TEST_SUITE_P(, SqliteOutOfMemory, testing::Values(false, true),
                         [](const auto& mode) { return mode.param ? "ForGood" : "Once"; });

TEST_P(SqliteOutOfMemory, LosesNothing) {
  constexpr int n = 30;
  const bool for_good = GetParam();
  const std::size_t before = pool.used();
  const Sqlite sqlite(failing_in_pool());
  failing = {};
  int status = SQLITE_OK;
  const std::string expected = work(test::FreshPath().string(), n, status);
  ASSERT_EQ(status, SQLITE_OK);
  sqlite3_shutdown();

  std::size_t failures = 0;
  for (std::size_t nth = 1;; ++nth) {
    ASSERT_LT(nth, 10'000u);
    const test::FreshPath path;
    failing = {.calls = 0, .first = nth, .last = for_good ? SIZE_MAX : nth};
    const std::string answer = work(path.string(), n, status);
    const bool failed = failing.failed();
    failing = {};
    if (status == SQLITE_OK) { // SQLite does without some memory
      ASSERT_EQ(answer, expected) << nth;
    } else {
      ASSERT_EQ(status & 0xFF, SQLITE_NOMEM) << nth;
      ++failures;
    }
    ASSERT_EQ(check(path.string()), "ok") << nth;
    ASSERT_EQ(sqlite3_shutdown(), SQLITE_OK);
    ASSERT_EQ(pool.used(), before) << nth;
    if (!failed)
      break;
  }
  EXPECT_GT(failures, 300u);
}

TEST(Sqlite, SaysThatMemoryIsOutUnderALimitAndGoesOn) {
  pool = Multipool({.limit = 4_MiB});
  {
    const Sqlite sqlite(in_pool);
    Database db(":memory:");
    db.run("CREATE TABLE a (note BLOB)");
    int stored = 0;
    while (db.run("INSERT INTO a VALUES (zeroblob(10000))").status() == SQLITE_OK)
      ++stored;
    EXPECT_EQ(db.status(), SQLITE_NOMEM);
    EXPECT_GT(stored, 20);
    db.forgive();
    EXPECT_EQ(db.ask("SELECT count(*) FROM a"), std::to_string(stored));
    EXPECT_EQ(db.ask("SELECT length(note) FROM a ORDER BY rowid DESC"), "10000");
  }
  EXPECT_EQ(pool.used(), 0u);
  {
    const Sqlite sqlite(in_pool);
    int status = SQLITE_OK;
    EXPECT_NE(work(test::FreshPath().string(), 100, status), "");
    EXPECT_EQ(status, SQLITE_OK);
  }
  EXPECT_EQ(pool.used(), 0u);
  pool = Multipool();
}

} // namespace
