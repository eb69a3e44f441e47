// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include <tl/expected.hpp>

#include "base/error.hpp"

namespace vcity {

// A value or the Error that stands in its place. Marked nodiscard, which the alias of an expected could not be.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  public:
    using tl::expected<T, Error>::expected;
    Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
};

}  // namespace vcity

#define VCITY_CONCAT_(a, b) a##b
#define VCITY_CONCAT(a, b) VCITY_CONCAT_(a, b)

#define VCITY_TRY_(ret, tmp, declaration, ...) \
    auto tmp = __VA_ARGS__;                    \
    if (!tmp) ret std::move(tmp).error();      \
    declaration = *std::move(tmp)

#define VCITY_CHECK_OK_(ret, tmp, ...) \
    auto tmp = __VA_ARGS__;            \
    if (!tmp) ret std::move(tmp).error()

// TRY(auto x, f()) and TRY_OK(f()) in functions, CO_TRY(auto x, co_await f()) and CO_TRY_OK in coroutines.
#define TRY(declaration, ...) VCITY_TRY_(return, VCITY_CONCAT(try_, __COUNTER__), declaration, __VA_ARGS__)
#define TRY_OK(...) VCITY_CHECK_OK_(return, VCITY_CONCAT(try_, __COUNTER__), __VA_ARGS__)
#define CO_TRY(declaration, ...) VCITY_TRY_(co_return, VCITY_CONCAT(try_, __COUNTER__), declaration, __VA_ARGS__)
#define CO_TRY_OK(...) VCITY_CHECK_OK_(co_return, VCITY_CONCAT(try_, __COUNTER__), __VA_ARGS__)
