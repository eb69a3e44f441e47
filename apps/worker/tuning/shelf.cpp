// SPDX-License-Identifier: Apache-2.0
#include "tuning/shelf.hpp"

#include <algorithm>
#include <utility>

namespace vcity::worker {

Result<Shelf> Shelf::load(const std::filesystem::path& model,
                          EngineOptions options,
                          const std::vector<AdapterSource>& adapters) {
    if (adapters.size() > kAdaptersMax) {
        return make_error(Errc::kInvalid, "at most " + std::to_string(kAdaptersMax) + " adapters beside a model");
    }
    options.trace_bytes_max /= adapters.size() + 1;
    TRY(auto base, Engine::load(model, std::move(options)));
    Shelf shelf{std::move(base)};
    for (const AdapterSource& adapter : adapters) {
        const auto has_name = [&](const auto& engine) { return engine->model_name() == adapter.name; };
        if (adapter.name.empty() || std::ranges::any_of(shelf.engines_, has_name)) {
            return make_error(Errc::kInvalid, "the adapter \"" + adapter.name + "\" needs a name of its own");
        }
        auto engine = Engine::with_adapter(*shelf.engines_.front(), adapter.name, adapter.folder);
        if (!engine) {
            return make_error(engine.error().code,
                              "adapter " + adapter.folder.string() + ": " + engine.error().message);
        }
        shelf.engines_.push_back(*std::move(engine));
    }
    return shelf;
}

void Shelf::generate(const WorkerGenerate& message, WorkerMessages* out) {
    const auto fail = [&](Errc code, std::string what) {
        out->push_back(WorkerError{.job_id = message.job_id, .code = code, .message = std::move(what)});
    };
    if (engines_.size() == 1) return engines_.front()->generate(message, out);
    const auto found = std::ranges::find_if(
        engines_, [&](const auto& engine) { return engine->model_name() == message.request.model; });
    if (found == engines_.end()) return fail(Errc::kNotFound, "there is no model of this name here");
    const bool is_known =
        std::ranges::any_of(engines_, [&](const auto& engine) { return engine->is_known(message.job_id); });
    if (is_known) return fail(Errc::kConflict, "this job is already known");
    (*found)->generate(message, out);
}

// The model's engine answers for jobs that nobody knows.
Engine& Shelf::engine_of(const JobId& job) const {
    const auto found = std::ranges::find_if(engines_, [&](const auto& engine) { return engine->is_known(job); });
    return found == engines_.end() ? *engines_.front() : **found;
}

bool Shelf::busy() const {
    return std::ranges::any_of(engines_, [](const auto& engine) { return engine->busy(); });
}

void Shelf::step(WorkerMessages* out) {
    for (const auto& engine : engines_) engine->step(out);
}

}  // namespace vcity::worker
