// SPDX-License-Identifier: Apache-2.0
// Up-scaling by our own code; reading and speaking by Tesseract and eSpeak NG; images by vcity-worker.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "files.hpp"
#include "generate.hpp"
#include "program.hpp"
#include "studio/network.hpp"
#include "studio/ppm.hpp"
#include "studio/wave.hpp"

namespace vcity::studio {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

constexpr std::size_t kModelBytesMax = std::size_t{256} << 20U;
constexpr std::size_t kTextBytesMax = 64U << 10U;
constexpr std::size_t kWaveBytesMax = std::size_t{512} << 20U;

Error wrong(const Item& item, std::string_view why) {
    return make_error(Errc::kInvalid, fmt::format("{}: {}", item.name, why));
}

std::string out_name(const Item& item, std::string_view ending) {
    return fmt::format("{:05}.{}", item.number, ending);
}

// Letters, digits, '_', '-' and '+': what names of languages are made of.
bool is_language(std::string_view name) {
    constexpr std::size_t kNameMax = 64;
    return !name.empty() && name.size() <= kNameMax && name.front() != '-' &&
           std::ranges::all_of(name, [](char letter) {
               return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                      (letter >= '0' && letter <= '9') || letter == '_' || letter == '-' || letter == '+';
           });
}

// Whether there is a character of Chinese: U+4E00 to U+9FFF, in UTF-8 E4 B8 80 to E9 BF BF.
bool has_chinese(std::string_view text) {
    for (std::size_t at = 0; at + 2 < text.size(); ++at) {
        const auto lead = static_cast<std::uint8_t>(text[at]);
        const auto next = static_cast<std::uint8_t>(text[at + 1]);
        if ((lead > 0xe4 && lead <= 0xe9) || (lead == 0xe4 && next >= 0xb8)) return true;
    }
    return false;
}

std::vector<std::string_view> columns_of(std::string_view line) {
    std::vector<std::string_view> columns;
    while (true) {
        const std::size_t tab = line.find('\t');
        columns.push_back(line.substr(0, tab));
        if (tab == std::string_view::npos) return columns;
        line.remove_prefix(tab + 1);
    }
}

Result<Network> load_network(const GenerateOptions& options) {
    const std::string name = options.model.empty() ? "esrgan-slim" : options.model;
    if (name != "esrgan-slim" && name != "psnr-small") {
        return make_error(Errc::kInvalid,
                          fmt::format("--model: '{}' is not known; nodes have esrgan-slim and psnr-small", name));
    }
    const std::uint32_t scale = options.scale == 0 ? 2 : options.scale;
    const std::string folder = fmt::format("{}/{}/x{}/", options.models, name, scale);
    if (!std::filesystem::is_directory(folder)) {
        return make_error(
            Errc::kInvalid,
            fmt::format("--scale: there is no {} for {}; esrgan-slim is there for 2, 3, 4 and 8, psnr-small for 2",
                        name, scale));
    }
    TRY(const Bytes json, read_file(folder + "model.json", kModelBytesMax));
    TRY(const Bytes weights, read_file(folder + "group1-shard1of1.bin", kModelBytesMax));
    Result<Network> network = Network::make(as_text(json), weights);
    if (!network) return make_error(Errc::kCorrupt, fmt::format("{}: {}", name, network.error().message));
    return network;
}

struct Reading {
    std::string text;
    double confidence = 0;  // mean of words, 0 to 100
    std::size_t words = 0;
};

// Tesseract's table: level, page, block, paragraph, line, word, box, confidence, text. Chinese words follow each other
// without a space.
class TableReader {
  public:
    void hear(std::string_view line) {
        const std::vector<std::string_view> columns = columns_of(line);
        constexpr std::size_t kColumns = 12;
        if (columns.size() != kColumns || columns[0] != "5") {
            if (columns.size() == 1 && !line.starts_with("Estimating")) last_words_ = line.substr(0, 200);
            return;
        }
        const std::string_view word = columns[11];
        if (word.find_first_not_of(' ') == std::string_view::npos) return;
        const std::string place = fmt::format("{}.{}.{}.{}", columns[1], columns[2], columns[3], columns[4]);
        if (!reading_.text.empty() && place != place_) reading_.text += '\n';
        const bool is_joined = has_chinese(word) && has_chinese(last_);
        if (place == place_ && !is_joined) reading_.text += ' ';
        reading_.text += word;
        place_ = place;
        last_ = word;
        reading_.confidence += std::strtod(std::string{columns[10]}.c_str(), nullptr);
        ++reading_.words;
    }
    Reading end() {
        if (reading_.words != 0) reading_.confidence /= static_cast<double>(reading_.words);
        return std::move(reading_);
    }
    const std::string& last_words() const { return last_words_; }

  private:
    Reading reading_;
    std::string place_;
    std::string last_;
    std::string last_words_;
};

// What is said: the prompt, or the text of a file.
Result<std::string> text_of(const Item& item) {
    if (item.path.empty()) return item.text;
    TRY(const Bytes bytes, read_file(item.path, kTextBytesMax));
    if (!codec::is_utf8(as_text(bytes))) return wrong(item, "is no text in UTF-8");
    return std::string{as_text(bytes)};
}

// A variant without a language is one of the language that the text is in.
std::string voice_of(const GenerateOptions& options, const Item& item, std::string_view text) {
    const std::string voice = item.voice.empty() ? options.language : item.voice;
    if (!voice.empty() && voice.front() != '+') return voice;
    std::string language = options.language;
    if (language.empty()) language = has_chinese(text) ? "cmn" : "en";
    return item.voice.empty() ? language : language + voice;
}

// Packs a WAV, which goes; the same sound gives the same bytes.
Result<void> encode_sound(const GenerateOptions& options,
                          const Item& item,
                          const std::string& wave,
                          const std::string& path) {
    const std::string codec = options.format == "mp3"    ? "libmp3lame"
                              : options.format == "opus" ? "libopus"
                                                         : options.format;
    const std::string container = options.format == "aac" ? "adts" : options.format;
    ProgramRun run;
    run.command = {options.ffmpeg,  "-nostdin", "-hide_banner", "-loglevel", "error",    "-y",
                   "-threads",      "1",        "-f",           "wav",       "-i",       wave,
                   "-map_metadata", "-1",       "-fflags",      "+bitexact", "-flags:a", "+bitexact",
                   "-c:a",          codec,      "-f",           container,   path};
    run.environment = plain_environment();
    std::string said;
    run.on_line = [&](std::string_view line) { said = line.substr(0, 200); };
    TRY(const int status, run_program(run));
    if (status != 0) return wrong(item, fmt::format("FFmpeg ended with status {}: {}", status, said));
    std::error_code error;
    std::filesystem::remove(wave, error);
    return {};
}

}  // namespace

Result<JsonObject> make_larger(const GenerateOptions& options, const Item& item) {
    if (item.path.empty()) return wrong(item, "up-scaling takes pictures, not prompts");
    TRY(const Network network, load_network(options));
    TRY(const Picture picture, read_png(item.path));
    const Result<Picture> larger = network.enlarge(picture);
    if (!larger) return wrong(item, larger.error().message);
    const std::string file = out_name(item, "png");
    TRY_OK(write_png(options.out + "/" + file, *larger));
    return JsonObject{{"file", file}, {"width", larger->size.width}, {"height", larger->size.height}};
}

// A worker of its own for each image: what it needs of memory goes with it.
Result<JsonObject> make_image(const GenerateOptions& options, const Item& item) {
    const std::string model = options.model.empty() ? "vcity-mini-paint" : options.model;
    const std::string folder = options.models + "/" + model;
    const bool is_name = model.find('/') == std::string::npos && !model.starts_with('.');
    const bool is_there = is_name && std::filesystem::is_regular_file(folder + "/model_index.json");
    if (!is_there) return make_error(Errc::kInvalid, fmt::format("--model: '{}' is not known to this node", model));
    if (options.worker.empty()) return make_error(Errc::kInvalid, "this node has no vcity-worker, which makes images");
    TRY(const std::string prompt, text_of(item));
    const std::uint64_t seed = item.seed.value_or(options.seed + item.number);
    const std::string raw = options.out + "/" + out_name(item, "ppm");
    ProgramRun run;
    run.command = {options.worker, "paint",
                   "--model",      folder,
                   "--out",        raw,
                   "--seed",       std::to_string(seed),
                   "--steps",      std::to_string(options.steps),
                   "--guidance",   fmt::format("{}", options.guidance),
                   "--device",     options.device};
    run.environment = plain_environment();
    run.input = prompt;
    std::string said;
    run.on_line = [&](std::string_view line) { said = line.substr(0, 200); };
    TRY(const int status, run_program(run));
    if (status != 0) return wrong(item, fmt::format("vcity-worker ended with status {}: {}", status, said));
    TRY(const Bytes bytes, read_file(raw, kModelBytesMax));
    std::error_code error;
    std::filesystem::remove(raw, error);
    TRY(Picture picture, read_ppm(bytes));
    if (options.scale > 1) {
        GenerateOptions larger = options;
        larger.model.clear();
        TRY(const Network network, load_network(larger));
        TRY(picture, network.enlarge(picture));
    }
    const std::string file = out_name(item, "png");
    TRY_OK(write_png(options.out + "/" + file, picture));
    return JsonObject{{"file", file}, {"width", picture.size.width}, {"height", picture.size.height}, {"seed", seed}};
}

Result<JsonObject> read_text(const GenerateOptions& options, const Item& item) {
    if (item.path.empty()) return wrong(item, "reading takes pictures, not prompts");
    const std::string language = options.language.empty() ? "eng+chi_sim" : options.language;
    if (!is_language(language)) return make_error(Errc::kInvalid, "--language: must be such as eng or eng+chi_sim");
    // Only what is a sound picture gets to Tesseract, whose own readers take many formats.
    TRY(const Picture picture, read_png(item.path));
    TableReader table;
    ProgramRun run;
    run.command = {options.tesseract, item.path, "stdout", "-l", language, "--psm", "3", "--dpi", "96", "tsv"};
    run.environment = plain_environment();
    run.on_line = [&](std::string_view line) { table.hear(line); };
    TRY(const int status, run_program(run));
    if (status != 0) {
        return wrong(item, fmt::format("Tesseract ended with status {}: {}", status, table.last_words()));
    }
    const Reading reading = table.end();
    const std::string file = out_name(item, "txt");
    TRY_OK(write_file(options.out + "/" + file, as_bytes(reading.text + "\n")));
    return JsonObject{
        {"file", file}, {"text", reading.text}, {"words", reading.words}, {"confidence", reading.confidence}};
}

Result<JsonObject> speak(const GenerateOptions& options, const Item& item) {
    if (!options.model.empty() && options.model != "espeak-ng") {
        return make_error(Errc::kInvalid,
                          fmt::format("--model: '{}' is not known; nodes have espeak-ng", options.model));
    }
    TRY(const std::string text, text_of(item));
    const std::string voice = voice_of(options, item, text);
    if (!is_language(voice)) return wrong(item, "voice: must be such as en or cmn+f3");
    std::string file = out_name(item, "wav");
    const std::string path = options.out + "/" + file;
    ProgramRun run;
    run.command = {options.espeak,
                   "-v",
                   voice,
                   "-s",
                   std::to_string(options.rate),
                   "-p",
                   std::to_string(options.pitch),
                   "-b",
                   "1",
                   "-w",
                   path,
                   "--stdin"};
    run.environment = plain_environment();
    run.input = text;
    std::string said;
    run.on_line = [&](std::string_view line) { said = line.substr(0, 200); };
    TRY(const int status, run_program(run));
    if (status != 0)
        return wrong(item, fmt::format("voice '{}': eSpeak NG ended with status {}: {}", voice, status, said));
    TRY(const Bytes wave, read_file(path, kWaveBytesMax));
    TRY(const WaveInfo info, read_wave(wave));
    if (info.loudest == 0) return wrong(item, "came out silent: it has nothing that can be said");
    if (options.format != "wav") {
        file = out_name(item, options.format);
        TRY_OK(encode_sound(options, item, path, options.out + "/" + file));
    }
    return JsonObject{{"file", file}, {"voice", voice}, {"seconds", info.seconds()}, {"rate", info.rate}};
}

}  // namespace vcity::studio
