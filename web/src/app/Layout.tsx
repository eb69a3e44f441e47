// SPDX-License-Identifier: Apache-2.0
import { type ReactNode, useState } from "react";
import { Link, useLocation } from "wouter";
import { setLanguage, texts, useLanguage, useTexts } from "../i18n";
import { forgetSession, useSession } from "../lib/session";
import { Button } from "../ui/controls";
import { Toasts } from "../ui/toast";
import { Hash } from "../ui/values";
import { Icon } from "./icons";
import { names, pages } from "./pages";
import { SignIn } from "./SignIn";
import { setTheme, useTheme } from "./theme";

const words = texts(
  {
    skip: "Skip to the content",
    main: "Main",
    signIn: "Sign in",
    signOut: "Sign out",
    withKey: "API key",
    dark: "Dark theme",
    light: "Light theme",
    other: "中文",
  },
  {
    skip: "跳到正文",
    main: "主导航",
    signIn: "登录",
    signOut: "退出",
    withKey: "API 密钥",
    dark: "深色主题",
    light: "浅色主题",
    other: "English",
  },
);

function Brand() {
  return (
    <Link href="/" className="brand">
      <img src="/icon.svg" alt="" />
      Vcity
    </Link>
  );
}

function Navigation() {
  const t = useTexts(words);
  const name = useTexts(names);
  const [location] = useLocation();
  const isHere = (path: string) =>
    path === "/" ? location === "/" : location === path || location.startsWith(`${path}/`);
  return (
    <nav className="nav" aria-label={t.main}>
      {pages.map((page) => (
        <Link key={page.path} href={page.path} aria-current={isHere(page.path) ? "page" : undefined}>
          <Icon name={page.icon} />
          {name[page.key]}
        </Link>
      ))}
    </nav>
  );
}

function Settings() {
  const t = useTexts(words);
  const theme = useTheme();
  const language = useLanguage();
  return (
    <>
      <Button
        small
        look="quiet"
        onClick={() => setLanguage(language === "en" ? "zh" : "en")}
        lang={language === "en" ? "zh-CN" : "en"}
      >
        {t.other}
      </Button>
      <Button
        small
        look="quiet"
        aria-label={theme === "dark" ? t.light : t.dark}
        onClick={() => setTheme(theme === "dark" ? "light" : "dark")}
      >
        <span aria-hidden="true">{theme === "dark" ? "☀" : "☾"}</span>
      </Button>
    </>
  );
}

function Who() {
  const t = useTexts(words);
  const session = useSession();
  const [open, setOpen] = useState(false);
  if (!session) {
    return (
      <>
        <Button small look="primary" onClick={() => setOpen(true)}>
          {t.signIn}
        </Button>
        <SignIn open={open} onClose={() => setOpen(false)} />
      </>
    );
  }
  return (
    <>
      <Link href="/account" className="small">
        {session.address ? <Hash text={session.address} copy={false} /> : t.withKey}
      </Link>
      <Button small onClick={forgetSession}>
        {t.signOut}
      </Button>
    </>
  );
}

export function Layout({ children }: { children: ReactNode }) {
  const t = useTexts(words);
  return (
    <>
      <a className="skip" href="#main">
        {t.skip}
      </a>
      <div className="shell">
        <div className="side">
          <Brand />
          <Navigation />
        </div>
        <div>
          <header className="bar">
            <Brand />
            <Settings />
            <Who />
          </header>
          {children}
        </div>
      </div>
      <Toasts />
    </>
  );
}
