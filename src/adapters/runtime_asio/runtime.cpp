// SPDX-License-Identifier: Apache-2.0
#include "adapters/runtime_asio/runtime.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/random.h>

#include "base/check.hpp"

namespace vcity::adapters {
namespace asio = boost::asio;
namespace {

void abort_on_exception(const std::exception_ptr& error) {
    if (!error) return;
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& exception) {
        std::fprintf(stderr, "vcity: bug: a task ended in an exception: %s\n", exception.what());
    } catch (...) {
        std::fputs("vcity: bug: a task ended in an exception of unknown type\n", stderr);
    }
    std::abort();
}

class AsioTimer final : public Timer {
  public:
    explicit AsioTimer(asio::io_context* context) : timer_{*context} {}

    Task<bool> wait_until(TimePoint deadline) override {
        CHECK(!waiting_);
        timer_.expires_at(deadline);
        waiting_ = true;
        cancelled_ = false;
        const auto [error] = co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
        waiting_ = false;
        co_return !error && !cancelled_;
    }

    // The flag is for a timer that has expired while its waiter has not run yet: asio could no longer cancel it.
    void cancel() override {
        if (!waiting_) return;
        cancelled_ = true;
        timer_.cancel();
    }

  private:
    asio::steady_timer timer_;
    bool waiting_ = false;
    bool cancelled_ = false;
};

Task<void> run_work(std::function<void()> work) {
    work();
    co_return;
}

}  // namespace

// The pool is declared last so that it is gone before the context its tasks return to.
struct AsioRuntime::Impl {
    explicit Impl(const AsioRuntimeOptions& options) : pool{std::max(options.compute_threads, 1U)} {}
    ~Impl() {
        pool.stop();
        pool.join();
    }

    void wait_for_signal() {
        signals->async_wait([this](const boost::system::error_code& error, int signal) {
            if (error) return;
            if (!on_signal) std::_Exit(128 + signal);
            const auto callback = std::exchange(on_signal, nullptr);
            wait_for_signal();
            callback();
        });
    }

    asio::io_context context{1};
    std::unique_ptr<asio::signal_set> signals;  // null until asked for
    std::function<void()> on_signal;
    asio::thread_pool pool;
};

AsioRuntime::AsioRuntime(AsioRuntimeOptions options) : impl_{std::make_unique<Impl>(options)} {}

AsioRuntime::~AsioRuntime() = default;

TimePoint AsioRuntime::now() const {
    return std::chrono::steady_clock::now();
}

UnixMillis AsioRuntime::unix_now() const {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<UnixMillis>(since_epoch);
}

Task<void> AsioRuntime::sleep_until(TimePoint deadline) {
    asio::steady_timer timer{impl_->context, deadline};
    co_await timer.async_wait(asio::use_awaitable);
}

std::unique_ptr<Timer> AsioRuntime::make_timer() {
    return std::make_unique<AsioTimer>(&impl_->context);
}

void AsioRuntime::random_bytes(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        const ssize_t got = getrandom(out.data(), out.size(), 0);
        CHECK(got > 0 || errno == EINTR);
        if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
    }
}

void AsioRuntime::spawn(Task<void> task) {
    asio::co_spawn(impl_->context, std::move(task), [](const std::exception_ptr& error) { abort_on_exception(error); });
}

Task<void> AsioRuntime::compute(std::function<void()> work) {
    co_await asio::co_spawn(impl_->pool, run_work(std::move(work)), asio::use_awaitable);
}

void AsioRuntime::run() {
    const auto guard = asio::make_work_guard(impl_->context);
    impl_->context.restart();
    impl_->context.run();
}

void AsioRuntime::stop() {
    impl_->context.stop();
}

int AsioRuntime::run_to_completion(Task<int> task) {
    const auto status = std::make_shared<int>(1);
    asio::co_spawn(impl_->context, std::move(task), [this, status](const std::exception_ptr& error, int result) {
        abort_on_exception(error);
        *status = result;
        stop();
    });
    run();
    return *status;
}

void AsioRuntime::on_shutdown_signal(std::function<void()> callback) {
    CHECK(!impl_->signals && callback);
    impl_->on_signal = std::move(callback);
    impl_->signals = std::make_unique<asio::signal_set>(impl_->context, SIGINT, SIGTERM);
    impl_->wait_for_signal();
}

asio::any_io_executor AsioRuntime::executor() {
    return impl_->context.get_executor();
}

}  // namespace vcity::adapters
