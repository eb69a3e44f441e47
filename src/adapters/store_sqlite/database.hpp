// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace vcity::adapters {

// A prepared statement that is run again and again. Used by one thread.
class Statement {
  public:
    explicit Statement(sqlite3_stmt* handle) : handle_{handle} {}

    // Parameters count from 1. The bytes must stay until the statement is reset.
    Result<void> bind(int parameter, ByteView bytes);
    Result<void> bind(int parameter, std::int64_t value);
    // True: a row is there. False: done.
    Result<bool> step();
    void reset();
    // Of the present row; columns count from 0. Valid until the next step.
    ByteView column_bytes(int column) const;
    std::int64_t column_integer(int column) const;

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* handle) const;
    };
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// Resets a statement at the end of a scope, so that it holds neither bytes nor a read transaction.
class StatementUse {
  public:
    explicit StatementUse(Statement* statement) : statement_{statement} {}
    ~StatementUse() { statement_->reset(); }
    StatementUse(const StatementUse&) = delete;
    StatementUse& operator=(const StatementUse&) = delete;

  private:
    Statement* statement_;
};

// A connection. Used by one thread at a time.
class Database {
  public:
    static Result<Database> open(const std::string& path, bool read_only);

    Result<void> execute(const char* sql);
    Result<Statement> prepare(const char* sql);
    // The first column of the first row.
    Result<std::int64_t> query_integer(const char* sql);
    Result<std::string> query_text(const char* sql);
    bool in_transaction() const;

  private:
    struct Close {
        void operator()(sqlite3* handle) const;
    };
    explicit Database(sqlite3* handle) : handle_{handle} {}

    std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace vcity::adapters
