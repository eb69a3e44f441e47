// SPDX-License-Identifier: Apache-2.0
import {
  type ButtonHTMLAttributes,
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";

type Look = "plain" | "primary" | "danger" | "quiet";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: Look;
  small?: boolean;
  /** Under way: it cannot be pressed again, and says so. */
  busy?: boolean;
}

export function Button({ look = "plain", small, busy, className, disabled, type, ...rest }: ButtonProps) {
  const names = ["button", look === "plain" ? "" : look, small ? "small" : "", className ?? ""];
  return (
    <button
      type={type ?? "button"}
      className={names.filter(Boolean).join(" ")}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
    />
  );
}

interface FieldText {
  label: string;
  hint?: ReactNode;
  /** What is wrong with the value; announced, and shown instead of the hint. */
  wrong?: string | null | undefined;
}

function Frame({ id, label, hint, wrong, children }: FieldText & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {wrong ? (
        <span className="wrong" id={`${id}-hint`} role="alert">
          {wrong}
        </span>
      ) : (
        hint && (
          <span className="hint" id={`${id}-hint`}>
            {hint}
          </span>
        )
      )}
    </div>
  );
}

function described(id: string, { hint, wrong }: FieldText) {
  return { "aria-invalid": wrong ? true : undefined, "aria-describedby": hint || wrong ? `${id}-hint` : undefined };
}

export function TextField({ label, hint, wrong, ...rest }: FieldText & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} wrong={wrong}>
      <input id={id} className="input" {...described(id, { label, hint, wrong })} {...rest} />
    </Frame>
  );
}

export function TextArea({ label, hint, wrong, ...rest }: FieldText & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} wrong={wrong}>
      <textarea id={id} className="input" {...described(id, { label, hint, wrong })} {...rest} />
    </Frame>
  );
}

export interface Option {
  value: string;
  label: string;
}

export function Select({
  label,
  hint,
  wrong,
  options,
  ...rest
}: FieldText & { options: readonly Option[] } & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} wrong={wrong}>
      <select id={id} className="input" {...described(id, { label, hint, wrong })} {...rest}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </Frame>
  );
}

export function Check({ label, ...rest }: { label: string } & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div className="row">
      <input id={id} type="checkbox" {...rest} />
      <label htmlFor={id}>{label}</label>
    </div>
  );
}
