// SPDX-License-Identifier: Apache-2.0
import { useTexts } from "../../i18n";
import { Badge } from "../../ui/surfaces";
import { toneOf } from "./data";
import { states } from "./words";

export function State({ of }: { of: string }) {
  const known = useTexts(states) as Record<string, string>;
  return <Badge tone={toneOf(of)}>{known[of] ?? of}</Badge>;
}
