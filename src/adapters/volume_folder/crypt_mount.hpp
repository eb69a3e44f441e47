// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "adapters/volume_folder/descriptor.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::adapters::volume {

// A running gocryptfs over two folders that are there. It ends with the thread that started it.
class CryptMount {
  public:
    // `key`: of 32 bytes, goes through a pipe and to no disk, no command line and no environment. Returns before the
    // folder is mounted.
    static Result<CryptMount> start(const std::string& program, std::string cipher, std::string files, ByteView key);

    // Whether it has mounted the folder and has nothing more to do there itself. Before that nobody may touch the
    // folder: gocryptfs opens a file of its own in it first, and waits for ever when another call is under way.
    bool is_ready() const;
    // What it said before it ended; empty while it runs.
    std::string last_words() const;
    // Unmounts and ends it. The folder that the mount has covered is left, and so is the ciphertext.
    void end() const;

  private:
    std::string words() const;

    CryptMount(Descriptor process, Descriptor errors, std::string files)
        : process_{std::move(process)}, errors_{std::move(errors)}, files_{std::move(files)} {}

    Descriptor process_;  // pidfd
    Descriptor errors_;   // a file in memory
    std::string files_;
};

}  // namespace vcity::adapters::volume
