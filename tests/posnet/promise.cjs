// SPDX-License-Identifier: Apache-2.0
// Lodestar 1.5 wants Promise.withResolvers, which Node.js has only from version 22 on.
Promise.withResolvers ??= function withResolvers() {
  const made = {};
  made.promise = new this((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};
