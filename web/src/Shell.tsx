import type { ReactNode } from "react";

/** The frame of every page. */
export function Shell({ title, wide, children }: { title?: string; wide?: boolean; children: ReactNode }) {
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="bar">
        <span className="brand">
          <img src="/icon.svg" alt="" width="28" height="28" /> Vivavoce
        </span>
        {title && <span className="bar-title">{title}</span>}
      </header>
      <main id="main" className={wide ? "wide" : ""}>
        {children}
      </main>
    </>
  );
}
