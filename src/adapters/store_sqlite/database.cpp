// SPDX-License-Identifier: Apache-2.0
#include "adapters/store_sqlite/database.hpp"

#include <sqlite3.h>

namespace vcity::adapters {
namespace {

Errc code_of(int status) {
    switch (status & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return Errc::kCorrupt;
        case SQLITE_FULL:
        case SQLITE_NOMEM: return Errc::kExhausted;
        case SQLITE_TOOBIG: return Errc::kInvalid;
        case SQLITE_PERM:
        case SQLITE_READONLY: return Errc::kDenied;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_PROTOCOL: return Errc::kUnavailable;
        default: return Errc::kInternal;
    }
}

Error error_of(sqlite3* handle, int status) {
    std::string message = "sqlite: ";
    message += handle == nullptr ? sqlite3_errstr(status) : sqlite3_errmsg(handle);
    message += " (" + std::to_string(handle == nullptr ? status : sqlite3_extended_errcode(handle)) + ")";
    return make_error(code_of(status), std::move(message));
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* handle) const {
    sqlite3_finalize(handle);
}

Result<void> Statement::bind(int parameter, ByteView bytes) {
    // A null pointer would bind NULL rather than the empty value.
    const void* data = bytes.empty() ? static_cast<const void*>("") : bytes.data();
    const int status = sqlite3_bind_blob64(handle_.get(), parameter, data, bytes.size(), SQLITE_STATIC);
    if (status != SQLITE_OK) return error_of(sqlite3_db_handle(handle_.get()), status);
    return {};
}

Result<void> Statement::bind(int parameter, std::int64_t value) {
    const int status = sqlite3_bind_int64(handle_.get(), parameter, value);
    if (status != SQLITE_OK) return error_of(sqlite3_db_handle(handle_.get()), status);
    return {};
}

Result<bool> Statement::step() {
    const int status = sqlite3_step(handle_.get());
    if (status == SQLITE_ROW) return true;
    if (status == SQLITE_DONE) return false;
    return error_of(sqlite3_db_handle(handle_.get()), status);
}

void Statement::reset() {
    sqlite3_reset(handle_.get());
    sqlite3_clear_bindings(handle_.get());
}

ByteView Statement::column_bytes(int column) const {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle_.get(), column));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::int64_t Statement::column_integer(int column) const {
    return sqlite3_column_int64(handle_.get(), column);
}

void Database::Close::operator()(sqlite3* handle) const {
    sqlite3_close_v2(handle);
}

Result<Database> Database::open(const std::string& path, bool read_only) {
    sqlite3* handle = nullptr;
    const int mode = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    const int status =
        sqlite3_open_v2(path.c_str(), &handle, mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    Database database{handle};
    if (status != SQLITE_OK) return error_of(handle, status);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    return database;
}

Result<void> Database::execute(const char* sql) {
    const int status = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
    if (status != SQLITE_OK) return error_of(handle_.get(), status);
    return {};
}

Result<Statement> Database::prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    const int status = sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (status != SQLITE_OK) return error_of(handle_.get(), status);
    return Statement{statement};
}

Result<std::int64_t> Database::query_integer(const char* sql) {
    TRY(Statement statement, prepare(sql));
    TRY(const bool found, statement.step());
    if (!found) return make_error(Errc::kInternal, std::string{"no row: "} + sql);
    return statement.column_integer(0);
}

Result<std::string> Database::query_text(const char* sql) {
    TRY(Statement statement, prepare(sql));
    TRY(const bool found, statement.step());
    if (!found) return make_error(Errc::kInternal, std::string{"no row: "} + sql);
    return std::string{as_text(statement.column_bytes(0))};
}

bool Database::in_transaction() const {
    return sqlite3_get_autocommit(handle_.get()) == 0;
}

}  // namespace vcity::adapters
