// SPDX-License-Identifier: Apache-2.0
const KEPT_MS = 60_000;

/** Hands a file that the page made to the browser. */
export function download(name: string, type: string, content: BlobPart): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  // A browser that is busy reads it later.
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
