// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "async/runtime.hpp"
#include "ports/byte_stream.hpp"
#include "ports/sandbox.hpp"

// This process's own terminal and this machine's loopback, for commands that carry them through the network.
namespace vcity::adapters {

// Reads one descriptor and writes another, which stay open and have their flags back when this goes: those of standard
// input and output belong to the shell as well. finish() does nothing. Descriptors that cannot be waited for (files,
// /dev/null) are read as they are.
std::unique_ptr<ports::ByteStream> make_descriptor_stream(const boost::asio::any_io_executor& executor,
                                                          int input,
                                                          int output);

// Passes every key on as it is pressed, until this goes; nothing where the descriptor is no terminal.
class RawTerminal {
  public:
    explicit RawTerminal(int descriptor);
    ~RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

  private:
    struct Saved;
    int descriptor_;
    std::unique_ptr<Saved> saved_;
};

bool is_terminal(int descriptor);
// 80 by 24 where the descriptor is no terminal.
ports::TerminalSize terminal_size(int descriptor);
// Calls back, as a task step, each time the terminal's size changes, as long as what it gives lives.
class SizeWatch {
  public:
    SizeWatch(Runtime* runtime, const boost::asio::any_io_executor& executor, std::function<void()> on_change);
    ~SizeWatch();
    SizeWatch(const SizeWatch&) = delete;
    SizeWatch& operator=(const SizeWatch&) = delete;

  private:
    struct State;
    static Task<void> run(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

// TCP on this machine.
class LocalListener {
  public:
    // kInvalid: not an address; kUnavailable: the port is taken. port 0: the kernel chooses.
    static Result<std::unique_ptr<LocalListener>> make(const boost::asio::any_io_executor& executor,
                                                       const std::string& address,
                                                       std::uint16_t port);
    ~LocalListener();
    LocalListener(const LocalListener&) = delete;
    LocalListener& operator=(const LocalListener&) = delete;

    // kUnavailable after close().
    Task<Result<std::unique_ptr<ports::ByteStream>>> accept();
    void close();
    std::uint16_t port() const;

  private:
    struct State;
    explicit LocalListener(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace vcity::adapters
