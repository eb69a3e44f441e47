// SPDX-License-Identifier: Apache-2.0
// What the precompiled headers are made of is in Precompiled.cmake; a target needs a source file.
