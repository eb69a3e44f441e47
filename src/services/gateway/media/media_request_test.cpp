// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/media/media_request.hpp"

#include <gtest/gtest.h>

#include "services/gateway/work/work_request.hpp"

namespace vcity::gateway {
namespace {

using Wrong = std::pair<ErrorCode, std::string>;

ApiResult<SpeechRequest> speech(std::string_view text) {
    return parse_speech_request(codec::parse_json(text).value());
}
ApiResult<ImageRequest> image(std::string_view text) {
    return parse_image_request(codec::parse_json(text).value());
}
template <class Request>
Wrong wrong(const ApiResult<Request>& request) {
    return request ? Wrong{ErrorCode::kInternalError, "accepted"} : Wrong{request.error().code, request.error().param};
}

TEST(SpeechRequest, IsReadWithItsDefaults) {
    SpeechRequest wanted;
    wanted.input = "Hello";
    EXPECT_EQ(speech(R"({"model":"espeak-ng","input":"Hello","voice":"alloy"})").value(), wanted);
    wanted = {.input = "x", .voice = "cmn+f3", .format = "wav", .words_per_minute = 340};
    EXPECT_EQ(speech(R"({"model":"vcity/espeak-ng","input":"x","voice":"cmn+f3","speed":2,"response_format":"wav",
                         "stream_format":"audio"})")
                  .value(),
              wanted);
    EXPECT_EQ(speech(R"({"model":"espeak-ng","input":"x","voice":"echo"})").value().voice, "+m3");
}

TEST(SpeechRequest, NamesTheFieldThatIsWrong) {
    EXPECT_EQ(wrong(speech(R"({"input":"a"})")), (Wrong{ErrorCode::kMissingParameter, "model"}));
    EXPECT_EQ(wrong(speech(R"({"model":"espeak-ng"})")), (Wrong{ErrorCode::kMissingParameter, "input"}));
    EXPECT_EQ(wrong(speech(R"({"model":"tts-1","input":"a"})")), (Wrong{ErrorCode::kModelNotFound, "model"}));
    const auto with = [](std::string_view field) {
        return wrong(speech(R"({"model":"espeak-ng","input":"a",)" + std::string{field} + "}"));
    };
    for (const char* voice : {"-w", "a/b", "A", "../x", "a b"}) {
        EXPECT_EQ(with("\"voice\":\"" + std::string{voice} + "\""), (Wrong{ErrorCode::kInvalidValue, "voice"}))
            << voice;
    }
    for (const char* speed : {"0.4", "2.6", "\"1\"", "1e300"}) {
        EXPECT_EQ(with("\"speed\":" + std::string{speed}), (Wrong{ErrorCode::kInvalidValue, "speed"})) << speed;
    }
    EXPECT_EQ(with(R"("response_format":"pcm")"), (Wrong{ErrorCode::kInvalidValue, "response_format"}));
    EXPECT_EQ(with(R"("stream_format":"sse")"), (Wrong{ErrorCode::kInvalidValue, "stream_format"}));
    EXPECT_EQ(with(R"("instructions":"softly")").first, ErrorCode::kUnknownParameter);
}

TEST(ImageRequest, IsReadWithItsDefaults) {
    ImageRequest wanted;
    wanted.prompt = "a red circle";
    EXPECT_EQ(image(R"({"prompt":"a red circle"})").value(), wanted);
    const ImageRequest full =
        image(R"({"model":"vcity-mini-paint","prompt":"a","n":2,"size":"128x128","response_format":"b64_json","seed":7,
                  "steps":5,"guidance":1.5,"output_format":"png","quality":"auto","background":"auto","user":"u"})")
            .value();
    wanted = {.prompt = "a",
              .count = 2,
              .scale = 4,
              .answer = ImageAnswer::kBase64,
              .steps = 5,
              .seed = 7,
              .has_seed = true,
              .guidance = 1.5};
    EXPECT_EQ(full, wanted);
}

TEST(ImageRequest, NamesTheFieldThatIsWrong) {
    EXPECT_EQ(wrong(image("{}")), (Wrong{ErrorCode::kMissingParameter, "prompt"}));
    EXPECT_EQ(wrong(image(R"({"model":"dall-e-3","prompt":"a"})")), (Wrong{ErrorCode::kModelNotFound, "model"}));
    EXPECT_EQ(wrong(image(R"({"prompt":")" + std::string(1001, 'a') + "\"}")).second, "prompt");
    const std::pair<const char*, const char*> cases[] = {
        {R"("n":0)", "n"},
        {R"("n":9)", "n"},
        {R"("size":"1024x1024")", "size"},
        {R"("size":64)", "size"},
        {R"("response_format":"svg")", "response_format"},
        {R"("output_format":"webp")", "output_format"},
        {R"("quality":"hd")", "quality"},
        {R"("background":"transparent")", "background"},
        {R"("seed":-1)", "seed"},
        {R"("seed":4294967290)", "seed"},
        {R"("steps":101)", "steps"},
        {R"("guidance":0.5)", "guidance"},
        {R"("guidance":"3")", "guidance"},
    };
    for (const auto& [field, name] : cases) {
        EXPECT_EQ(wrong(image(R"({"prompt":"a",)" + std::string{field} + "}")).second, name) << field;
    }
    EXPECT_EQ(wrong(image(R"({"prompt":"a","style":"vivid"})")).first, ErrorCode::kUnknownParameter);
}

TEST(MediaOrder, IsOneThatJobsTake) {
    const MediaTerms terms{.budget = Usd{50'000}, .minutes = 5};
    const SpeechRequest said = speech(R"({"model":"espeak-ng","input":"a \"q\"\n每","voice":"cmn"})").value();
    const auto order = parse_work_request(speech_order(said, terms));
    ASSERT_TRUE(order) << order.error().message;
    ASSERT_EQ(order->spec.groups.size(), 1U);
    const StepGroup& group = order->spec.groups.front();
    EXPECT_EQ(group.setup.program, "generate");
    EXPECT_TRUE(group.setup.keeps_files);
    EXPECT_EQ(order->budget, Usd{50'000});
    EXPECT_EQ(as_text(group.inputs.front().content), "{\"prompt\":\"a \\\"q\\\"\\n每\",\"voice\":\"cmn\"}\n");
    EXPECT_EQ(speech_file(said), "00000.mp3");
    EXPECT_EQ(media_type("opus"), "audio/ogg");

    const ImageRequest painted = image(R"({"prompt":"a","n":2,"seed":7,"guidance":1.5})").value();
    const auto paint = parse_work_request(image_order(painted, terms));
    ASSERT_TRUE(paint) << paint.error().message;
    EXPECT_EQ(as_text(paint->spec.groups.front().inputs.front().content),
              "{\"prompt\":\"a\",\"seed\":7}\n{\"prompt\":\"a\",\"seed\":8}\n");
    EXPECT_EQ(image_file(1), "00001.png");
}

}  // namespace
}  // namespace vcity::gateway
