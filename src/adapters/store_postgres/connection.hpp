// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

struct pg_conn;
struct pg_result;

namespace vcity::adapters {

// The rows of one answer, in binary form.
class PostgresRows {
  public:
    explicit PostgresRows(pg_result* handle) : handle_{handle} {}

    int count() const;
    // A bytea. Valid as long as the rows.
    ByteView bytes(int row, int column) const;
    // The rows that an INSERT, UPDATE or DELETE touched.
    std::size_t changed() const;

  private:
    struct Clear {
        void operator()(pg_result* handle) const;
    };
    std::unique_ptr<pg_result, Clear> handle_;
};

// A value of a parameter: text, bytea, bytea[] or int8.
using PostgresValue = std::variant<std::string, ByteView, std::vector<ByteView>, std::int64_t>;

// One connection, used by one thread. Every call ends within `patience`, whatever the server does; a connection whose
// call did not end is broken and must be thrown away.
//
// kUnavailable: no connection, or it broke (the effect of what was under way is unknown). kTimeout: the same after
// `patience`. kConflict: the server gave up this transaction for another's sake (SQLSTATE class 40); repeat it.
// kDenied: credentials or privileges. kExhausted: out of disk, memory or connections. kInternal: our SQL is wrong.
class PostgresConnection {
  public:
    // uri: a connection string of libpq without a password; that one belongs into a password file (PGPASSFILE).
    // idle_in_transaction: how long the server waits for us inside a transaction before it rolls that back.
    static Result<PostgresConnection> open(const std::string& uri,
                                           std::chrono::milliseconds patience,
                                           std::chrono::milliseconds idle_in_transaction);

    Result<PostgresRows> execute(const char* sql, const std::vector<PostgresValue>& values = {});
    // Several statements without parameters.
    Result<void> run(const char* sql);
    bool is_usable() const;

  private:
    struct Close {
        void operator()(pg_conn* handle) const;
    };
    PostgresConnection(pg_conn* handle, std::chrono::milliseconds patience) : handle_{handle}, patience_{patience} {}

    Result<PostgresRows> take_answer();

    std::unique_ptr<pg_conn, Close> handle_;
    std::chrono::milliseconds patience_;
    bool is_broken_ = false;
};

}  // namespace vcity::adapters
