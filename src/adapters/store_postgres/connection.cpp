// SPDX-License-Identifier: Apache-2.0
#include "adapters/store_postgres/connection.hpp"

#include <array>
#include <cstdlib>
#include <cstring>

#include <libpq-fe.h>
#include <poll.h>

namespace vcity::adapters {
namespace {

using Clock = std::chrono::steady_clock;

// Types by number, as in PostgreSQL's pg_type.dat.
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kText = 25;
constexpr Oid kByteaArray = 1001;

void put_u32(Bytes* out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<std::uint8_t>(value >> shift));
}

// The binary form of a one-dimensional array: dimensions, whether nulls occur, type, length, lower bound, elements.
Bytes encode(const std::vector<ByteView>& elements) {
    Bytes out;
    put_u32(&out, 1);
    put_u32(&out, 0);
    put_u32(&out, kBytea);
    put_u32(&out, static_cast<std::uint32_t>(elements.size()));
    put_u32(&out, 1);
    for (const ByteView& element : elements) {
        put_u32(&out, static_cast<std::uint32_t>(element.size()));
        out.insert(out.end(), element.begin(), element.end());
    }
    return out;
}

struct Parameter {
    Oid type;
    Bytes bytes;
};

Parameter encode(const PostgresValue& value) {
    struct Encoder {
        Parameter operator()(const std::string& text) const {
            const ByteView view = as_bytes(text);
            return {kText, {view.begin(), view.end()}};
        }
        Parameter operator()(ByteView bytes) const { return {kBytea, {bytes.begin(), bytes.end()}}; }
        Parameter operator()(const std::vector<ByteView>& elements) const { return {kByteaArray, encode(elements)}; }
        Parameter operator()(std::int64_t number) const {
            Bytes bytes;
            const auto bits = static_cast<std::uint64_t>(number);
            put_u32(&bytes, static_cast<std::uint32_t>(bits >> 32U));
            put_u32(&bytes, static_cast<std::uint32_t>(bits));
            return {kInt8, std::move(bytes)};
        }
    };
    return std::visit(Encoder{}, value);
}

Errc code_of(std::string_view state) {
    if (state.starts_with("40")) return Errc::kConflict;
    if (state.starts_with("28") || state == "42501") return Errc::kDenied;
    if (state.starts_with("53")) return Errc::kExhausted;
    if (state == "57014" || state == "55P03") return Errc::kTimeout;  // of a statement, of a lock
    if (state.starts_with("08") || state.starts_with("57") || state.starts_with("25006") || state.empty()) {
        return Errc::kUnavailable;
    }
    return state.starts_with("XX") ? Errc::kCorrupt : Errc::kInternal;
}

std::string one_line(const char* text) {
    std::string line{text};
    while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
    for (char& c : line) {
        if (c == '\n') c = ' ';
    }
    return line;
}

Error error_of(const PGresult* result) {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return make_error(code_of(state == nullptr ? "" : state), "postgres: " + one_line(PQresultErrorMessage(result)));
}

// Waits until the socket is readable (or writable too). False at the deadline.
bool wait_for(int socket, bool writes, Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd entry{.fd = socket, .events = static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN), .revents = 0};
    return ::poll(&entry, 1, static_cast<int>(left)) > 0;
}

}  // namespace

void PostgresRows::Clear::operator()(pg_result* handle) const {
    PQclear(handle);
}

int PostgresRows::count() const {
    return PQntuples(handle_.get());
}

ByteView PostgresRows::bytes(int row, int column) const {
    const char* data = PQgetvalue(handle_.get(), row, column);
    return {reinterpret_cast<const std::uint8_t*>(data),
            static_cast<std::size_t>(PQgetlength(handle_.get(), row, column))};
}

std::size_t PostgresRows::changed() const {
    return std::strtoul(PQcmdTuples(handle_.get()), nullptr, 10);
}

void PostgresConnection::Close::operator()(pg_conn* handle) const {
    PQfinish(handle);
}

Result<PostgresConnection> PostgresConnection::open(const std::string& uri,
                                                    std::chrono::milliseconds patience,
                                                    std::chrono::milliseconds idle_in_transaction) {
    const auto deadline = Clock::now() + patience;
    // What the server must give up by itself, should this side be gone: a little before our own patience ends.
    const std::string options = "-c statement_timeout=" + std::to_string(patience.count() * 9 / 10) +
                                " -c lock_timeout=" + std::to_string(patience.count() * 8 / 10) +
                                " -c client_min_messages=warning -c idle_in_transaction_session_timeout=" +
                                std::to_string(idle_in_transaction.count());
    const std::array<const char*, 5> names{"dbname", "application_name", "options", "client_encoding", nullptr};
    const std::array<const char*, 5> values{uri.c_str(), "vcity", options.c_str(), "UTF8", nullptr};
    PostgresConnection connection{PQconnectStartParams(names.data(), values.data(), 1), patience};
    PGconn* const handle = connection.handle_.get();
    if (handle == nullptr) return make_error(Errc::kExhausted, "postgres: out of memory");
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK) {
        if (PQstatus(handle) == CONNECTION_BAD || status == PGRES_POLLING_FAILED) {
            return make_error(Errc::kUnavailable, "postgres: " + one_line(PQerrorMessage(handle)));
        }
        if (!wait_for(PQsocket(handle), status == PGRES_POLLING_WRITING, deadline)) {
            return make_error(Errc::kTimeout, "postgres: no connection in time");
        }
        status = PQconnectPoll(handle);
    }
    if (PQsetnonblocking(handle, 1) != 0) return make_error(Errc::kInternal, "postgres: not to be made non-blocking");
    return connection;
}

bool PostgresConnection::is_usable() const {
    return !is_broken_ && PQstatus(handle_.get()) == CONNECTION_OK;
}

// The last of the results that one query gives, and its first error if there is one.
Result<PostgresRows> PostgresConnection::take_answer() {
    PGconn* const handle = handle_.get();
    const auto deadline = Clock::now() + patience_;
    const auto broken = [&](Errc code, const std::string& what) {
        is_broken_ = true;
        return make_error(code, "postgres: " + what);
    };
    Result<PostgresRows> answer = make_error(Errc::kUnavailable, "postgres: no answer");
    bool has_failed = false;
    while (true) {
        const int unsent = PQflush(handle);
        if (unsent < 0) return broken(Errc::kUnavailable, one_line(PQerrorMessage(handle)));
        if (unsent == 0 && PQisBusy(handle) == 0) {
            PGresult* const result = PQgetResult(handle);
            if (result == nullptr) break;
            PostgresRows rows{result};
            const ExecStatusType status = PQresultStatus(result);
            const bool is_good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
            if (!has_failed) {
                if (is_good) {
                    answer = std::move(rows);
                } else {
                    answer = error_of(result);
                    has_failed = true;
                }
            }
            continue;
        }
        if (!wait_for(PQsocket(handle), unsent > 0, deadline)) return broken(Errc::kTimeout, "no answer in time");
        if (PQconsumeInput(handle) == 0) return broken(Errc::kUnavailable, one_line(PQerrorMessage(handle)));
    }
    return answer;
}

Result<PostgresRows> PostgresConnection::execute(const char* sql, const std::vector<PostgresValue>& values) {
    std::vector<Parameter> parameters;
    parameters.reserve(values.size());
    for (const PostgresValue& value : values) parameters.push_back(encode(value));
    std::vector<Oid> types;
    std::vector<const char*> data;
    std::vector<int> sizes;
    for (const Parameter& parameter : parameters) {
        types.push_back(parameter.type);
        // A null pointer would be NULL rather than the empty value.
        data.push_back(parameter.bytes.empty() ? "" : reinterpret_cast<const char*>(parameter.bytes.data()));
        sizes.push_back(static_cast<int>(parameter.bytes.size()));
    }
    const std::vector<int> formats(values.size(), 1);
    const int count = static_cast<int>(values.size());
    if (PQsendQueryParams(handle_.get(), sql, count, types.data(), data.data(), sizes.data(), formats.data(), 1) == 0) {
        is_broken_ = true;
        return make_error(Errc::kUnavailable, "postgres: " + one_line(PQerrorMessage(handle_.get())));
    }
    return take_answer();
}

Result<void> PostgresConnection::run(const char* sql) {
    if (PQsendQuery(handle_.get(), sql) == 0) {
        is_broken_ = true;
        return make_error(Errc::kUnavailable, "postgres: " + one_line(PQerrorMessage(handle_.get())));
    }
    TRY_OK(take_answer());
    return {};
}

}  // namespace vcity::adapters
