// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "codec/json.hpp"

namespace vcity::cli {

// Exit codes, documented in docs/cli.md and tested there.
enum class Exit : int {
    kOk = 0,
    kGeneral = 1,
    kUsage = 2,
    kNotFound = 3,
    kDenied = 4,
    kConflict = 5,
    kNoCapacity = 6,
    kPayment = 7,
    kTimeout = 8,
    kVerification = 9,
    kInterrupted = 130,
};
Exit exit_of(Errc code);

// How messages begin when a server wants money first: its status 402 has no code of its own among ours.
inline constexpr std::string_view kPaymentNeeded = "payment needed: ";
Exit exit_of(const Error& error);

// Rows under titles. The JSON form has one object a row, keys are the titles in snake_case.
struct Table {
    std::vector<std::string> titles;
    std::vector<std::vector<std::string>> rows;
};
std::string render_table(const Table& table);
codec::Json to_json(const Table& table);

// Data goes to standard output, talk to standard error. People on a terminal get tables, everybody else JSON.
class Output {
  public:
    enum class Format { kAuto, kTable, kJson };

    explicit Output(Format format) : format_{format} {}

    bool is_json() const;
    // On a terminal that may be coloured: no NO_COLOR, no TERM=dumb.
    bool is_interactive() const;
    void print(const Table& table) const;
    // One record: a table of two columns, or the object.
    void print(const codec::Json& record) const;
    void print_text(std::string_view text) const;
    // To standard error; under JSON as {"error":{...}}.
    void print_error(const Error& error) const;
    void note(std::string_view text) const;

  private:
    Format format_;
};

// One line on standard error that is drawn again as work goes on; silent when nobody looks.
class Progress {
  public:
    Progress(std::string label, std::size_t steps);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void step(std::string_view what);

  private:
    std::string label_;
    std::size_t steps_;
    std::size_t done_ = 0;
    bool visible_;
};

}  // namespace vcity::cli
