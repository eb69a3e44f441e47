// SPDX-License-Identifier: Apache-2.0
import { FitAddon } from "@xterm/addon-fit";
import { Terminal as Screen } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { useEffect, useRef, useState } from "react";
import { useTheme } from "../../app/theme";
import { useTexts } from "../../i18n";
import { words } from "../../i18n/rent";
import { Button } from "../../ui/controls";
import { Failure } from "../../ui/surfaces";
import { openShell, type Shell } from "./shell";

const TYPED_MAX = 65_536;

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    background: of("--sunken"),
    foreground: of("--ink"),
    cursor: of("--accent"),
    cursorAccent: of("--sunken"),
    selectionBackground: of("--accent-soft"),
  };
}

/** A shell in a running step. It ends when it is left. */
export default function Terminal({ job, step, token }: { job: string; step: string; token: string }) {
  const t = useTexts(words);
  const theme = useTheme();
  const box = useRef<HTMLDivElement>(null);
  const screen = useRef<Screen | null>(null);
  const [round, setRound] = useState(0);
  const [said, setSaid] = useState(t.connecting);
  const [isOver, setOver] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another language or theme must not end the shell
  useEffect(() => {
    if (!box.current) return;
    const shown = new Screen({
      fontFamily: "ui-monospace, 'DejaVu Sans Mono', monospace",
      fontSize: 14,
      cursorBlink: true,
      screenReaderMode: true,
      theme: colours(),
    });
    const fit = new FitAddon();
    shown.loadAddon(fit);
    shown.open(box.current);
    fit.fit();
    screen.current = shown;
    let shell: Shell | null = null;
    let typed = ""; // before there is a shell
    let isGone = false;
    setSaid(t.connecting);
    setOver(false);
    setFailure(null);
    const size = `tty=1&columns=${shown.cols}&rows=${shown.rows}`;
    openShell(job, step, size, token, {
      onOpen: () => {
        setSaid("");
        shown.focus();
      },
      onBytes: (bytes) => shown.write(bytes),
      onEnd: (status) => {
        if (isGone) return;
        setSaid(status === null ? t.lost : t.ended(String(status)));
        setOver(true);
      },
    }).then(
      (opened) => {
        shell = opened;
        opened.send(typed);
        if (isGone) opened.close();
      },
      (error: unknown) => !isGone && setFailure(error),
    );
    shown.onData((text) => {
      if (shell) shell.send(text);
      else if (typed.length < TYPED_MAX) typed += text;
    });
    shown.onResize(({ cols, rows }) => shell?.resize(cols, rows));
    const watch = new ResizeObserver(() => fit.fit());
    watch.observe(box.current);
    return () => {
      isGone = true;
      watch.disconnect();
      shell?.close();
      shown.dispose();
      screen.current = null;
    };
  }, [job, step, token, round]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are read anew when the theme changes
  useEffect(() => {
    if (screen.current) screen.current.options.theme = colours();
  }, [theme]);
  return (
    <div className="stack tight">
      <section
        ref={box}
        aria-label={t.terminal}
        style={{ height: "min(60vh, 480px)", background: "var(--sunken)", padding: 8, borderRadius: 8 }}
      />
      <div className="row" role="status">
        {said && <span className="soft small">{said}</span>}
        {isOver && (
          <Button small onClick={() => setRound(round + 1)}>
            {t.connectTerminal}
          </Button>
        )}
      </div>
      {failure !== null && <Failure error={failure} retry={() => setRound(round + 1)} />}
    </div>
  );
}
