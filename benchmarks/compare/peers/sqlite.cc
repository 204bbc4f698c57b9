// SQLite with a write-ahead log: no server, each client writes to the file itself, one at a time. Nothing tells a
// reader that there is something new: it looks again and again, without a pause or once a millisecond.
//
// packages: libsqlite3-dev
// links: sqlite3
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include "benchmarks/compare/harness/peer.h"
#include "benchmarks/compare/harness/processes.h"

namespace roost::compare {
namespace {

class Statement {
 public:
  Statement(sqlite3* database, const std::string& text) : database_(database) {
    ROOST_CHECK(sqlite3_prepare_v2(database, text.c_str(), -1, &statement_, nullptr) == SQLITE_OK,
                "{}: {}", text, sqlite3_errmsg(database));
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Bind(int place, uint64_t value) {
    ROOST_CHECK(sqlite3_bind_int64(statement_, place, static_cast<sqlite3_int64>(value)) ==
                SQLITE_OK);
    return *this;
  }
  Statement& Bind(int place, const Event& event) {
    ROOST_CHECK(sqlite3_bind_blob(statement_, place, &event, sizeof(event), SQLITE_STATIC) ==
                SQLITE_OK);
    return *this;
  }
  bool Step() {
    const int outcome = sqlite3_step(statement_);
    ROOST_CHECK(outcome == SQLITE_ROW || outcome == SQLITE_DONE, "{}", sqlite3_errmsg(database_));
    return outcome == SQLITE_ROW;
  }
  uint64_t Integer(int column) {
    return static_cast<uint64_t>(sqlite3_column_int64(statement_, column));
  }
  void HandOn(int column, EventSink* sink) {
    sink->See(sqlite3_column_blob(statement_, column),
              static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
  }
  void Run() {
    while (Step()) {
    }
    Reset();
  }
  void Reset() { sqlite3_reset(statement_); }

 private:
  sqlite3* const database_;
  sqlite3_stmt* statement_ = nullptr;
};

class SqliteClient final : public Client {
 public:
  SqliteClient(const std::string& file, const std::string& synchronous, uint32_t streams)
      : database_(Open(file, synchronous)), streams_(streams) {}
  ~SqliteClient() override {
    insert_.reset();
    next_.reset();
    begin_.reset();
    commit_.reset();
    from_.reset();
    newest_.reset();
    sqlite3_close(database_);
  }

  void Publish(std::span<const Event> events) override {
    Prepare(&begin_, "BEGIN IMMEDIATE").Run();
    for (const Event& event : events) {
      Prepare(&insert_, "INSERT INTO events(stream, data) VALUES (?, ?)")
          .Bind(1, event.stream)
          .Bind(2, event)
          .Run();
    }
    Prepare(&commit_, "COMMIT").Run();
  }

  void Subscribe(Waiting waiting) override { spin_ = waiting == Waiting::kSpin; }

  void Receive(EventSink* sink) override {
    if (!HandOnNext(sink) && !spin_) ::usleep(1000);
  }

  void Replay(EventSink* sink) override {
    while (HandOnNext(sink)) {
    }
  }

  uint64_t Count() override {
    Statement count(database_, "SELECT count(*) FROM events");
    count.Step();
    return count.Integer(0);
  }

  void ReadFrom(uint32_t stream, uint64_t position, uint32_t count, EventSink* sink) override {
    Statement& select = Prepare(
        &from_,
        "SELECT data FROM events WHERE stream = ? AND sequence >= ? ORDER BY sequence LIMIT ?");
    select.Bind(1, stream).Bind(2, position * streams_ + stream + 1).Bind(3, count);
    HandOnAll(&select, sink);
  }

  bool ReadNewest(uint32_t stream, uint32_t count, EventSink* sink) override {
    Statement& select = Prepare(
        &newest_, "SELECT data FROM events WHERE stream = ? ORDER BY sequence DESC LIMIT ?");
    select.Bind(1, stream).Bind(2, count);
    HandOnAll(&select, sink);
    return true;
  }

  static sqlite3* Open(const std::string& file, const std::string& synchronous) {
    sqlite3* database = nullptr;
    ROOST_CHECK(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
    ROOST_CHECK(sqlite3_busy_timeout(database, 60'000) == SQLITE_OK);
    const std::string settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = " + synchronous;
    ROOST_CHECK(sqlite3_exec(database, settings.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK,
                "{}", sqlite3_errmsg(database));
    return database;
  }

 private:
  Statement& Prepare(std::unique_ptr<Statement>* statement, const char* text) {
    if (*statement == nullptr) *statement = std::make_unique<Statement>(database_, text);
    return **statement;
  }

  bool HandOnNext(EventSink* sink) {
    Statement& select = Prepare(
        &next_,
        "SELECT sequence, data FROM events WHERE sequence > ? ORDER BY sequence LIMIT 1000");
    select.Bind(1, after_);
    bool any = false;
    while (select.Step()) {
      after_ = select.Integer(0);
      select.HandOn(1, sink);
      any = true;
    }
    select.Reset();
    return any;
  }

  static void HandOnAll(Statement* select, EventSink* sink) {
    while (select->Step()) select->HandOn(0, sink);
    select->Reset();
  }

  sqlite3* const database_;
  const uint32_t streams_;
  std::unique_ptr<Statement> begin_, insert_, commit_, next_, from_, newest_;
  uint64_t after_ = 0;
  bool spin_ = false;
};

class Sqlite final : public Peer {
 public:
  explicit Sqlite(const Run& run)
      : run_(run),
        file_(run.scratch / "events.db"),
        synchronous_(run.mode.substr(run.mode.find(' ') + 1)) {}

  void Start() override {
    RunInChild([&] {
      sqlite3* database = SqliteClient::Open(file_, synchronous_);
      // An index by stream where streams are read; elsewhere it would only cost.
      const bool indexed = run_.work == "streams" || run_.work == "replay" || run_.work == "memory";
      const std::string schema =
          std::string(
              "CREATE TABLE IF NOT EXISTS events"
              "(sequence INTEGER PRIMARY KEY, stream INTEGER NOT NULL, data BLOB NOT NULL);") +
          (indexed ? "CREATE INDEX IF NOT EXISTS by_stream ON events(stream);" : "");
      ROOST_CHECK(sqlite3_exec(database, schema.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK,
                  "{}", sqlite3_errmsg(database));
      sqlite3_close(database);
    });
  }
  void Stop() override {}
  std::vector<pid_t> Servers() const override { return {}; }
  std::unique_ptr<Client> Connect(uint32_t) override {
    return std::make_unique<SqliteClient>(file_, synchronous_, run_.streams);
  }
  std::string Version() const override { return sqlite3_libversion(); }

 private:
  const Run run_;
  const std::string file_;
  const std::string synchronous_;
};

}  // namespace

Description Describe() {
  return {"SQLite WAL",
          "the library itself, no server",
          {{.name = "synchronous OFF",
            .guarantee = "process",
            .works = {"append", "fan_out"},
            .means = "written to the file, never synced"},
           {.name = "synchronous NORMAL",
            .guarantee = "process",
            .works = {"latency-spin", "latency-sleep", "append", "replay", "streams", "memory"},
            .means = "written to the file, synced at checkpoints"},
           {.name = "synchronous FULL",
            .guarantee = "power",
            .works = {"append"},
            .means = "fdatasync before the commit returns"}}};
}

std::unique_ptr<Peer> MakePeer(const Run& run) { return std::make_unique<Sqlite>(run); }

}  // namespace roost::compare
