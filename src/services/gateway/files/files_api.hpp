// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "services/gateway/exchange.hpp"
#include "services/gateway/files/file_book.hpp"
#include "services/gateway/files/multipart.hpp"

namespace vcity::gateway {

inline constexpr std::string_view kFilesPath = "/v1/files";
inline constexpr std::string_view kFilePath = "/v1/files/";
inline constexpr std::string_view kNodeFilesPath = "/files/";

// Files for the holders of API keys, in OpenAI's shape, and for the nodes that run their jobs (docs/api/files.md).
// Every key on a cap of a client sees that client's files. Bodies pass through in pieces.
class FilesApi {
  public:
    // book: null when this gateway keeps no files. secret: what access tokens are made with.
    FilesApi(const Shared* shared, FileBook* book, const Hash& secret)
        : shared_{shared}, book_{book}, secret_{secret} {}

    // exchange: of one of the first two paths, with a method that the route takes.
    Task<ApiResult<ports::HttpResponse>> answer(Exchange* exchange, KeyRecord key);
    // exchange: GET, HEAD or PUT of the third: /files/TOKEN/SHA256.
    Task<ApiResult<ports::HttpResponse>> answer_node(Exchange* exchange);

    // --- for orders
    // Bytes and hash of a client's file.
    ApiResult<InputFile> resolve(const Address& client, const std::string& id, const std::string& path) const;
    // Fills in the order's files_url if it needs a place for files.
    Refusal give_place(WorkOrder* order) const;
    // Before the order is sent: nodes may ask for its files at once.
    Task<Refusal> open_space(WorkOrder order);
    Task<void> drop_space(JobId job_id);

    // --- what jobs left
    // rest: "" for the list, "GROUP/INDEX/NAME" for a file.
    Task<ApiResult<ports::HttpResponse>> answer_job(Exchange* exchange, WorkStatusReply status, std::string rest);
    // An address that gives this one file to whoever has it, for so long.
    std::string link_to(const JobId& job_id, const Hash& sha256, Duration good_for) const;

  private:
    using Response = ApiResult<ports::HttpResponse>;
    // A form on its way in.
    struct Form {
        std::string purpose;
        std::string filename;
        std::string anchor;
        std::string seconds;
        std::unique_ptr<FileBook::Arrival> arrival;
        bool has_file = false;
        std::string field;  // of the part that is being read
    };

    Task<Response> create(Exchange* exchange, KeyRecord key);
    Task<Refusal> read_form(Exchange* exchange, MultipartReader reader, Form* form);
    Task<Refusal> take(MultipartEvent event, Form* form);
    static Refusal begin_part(const MultipartEvent& part, Form* form);
    static Refusal add_text(const MultipartEvent& piece, Form* form);
    ApiResult<FileRecord> finish_form(const Form& form) const;
    Response list(const Exchange& exchange, const KeyRecord& key) const;
    Task<Response> remove(KeyRecord key, std::string id);
    Task<Response> put_for_job(Exchange* exchange, JobSpace space, Hash sha256);
    Refusal unavailable() const;
    std::uint64_t now_seconds() const;

    const Shared* shared_;
    FileBook* book_;
    Hash secret_;
};

}  // namespace vcity::gateway
