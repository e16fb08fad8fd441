// Keeps the browser's session: an access token lives minutes and is renewed with a token that counts once. One page at
// a time renews (a lock shared by all tabs), because a refresh token that comes twice ends the session.
"use strict";
(() => {
  const RENEW_EVERY = 4 * 60 * 1000;
  const AGAIN_AFTER = 10 * 1000;

  const hasSession = () => /(?:^|; )millstream_csrf=/.test(document.cookie);

  const known = async () => (await fetch("/api/v1/me", { credentials: "same-origin" })).ok;

  const renew = async (always) => {
    if (!always && (await known())) return true;
    const answer = await fetch("/api/v1/session/refresh", { method: "POST", credentials: "same-origin" });
    return answer.ok;
  };

  const alone = (work) => (navigator.locks ? navigator.locks.request("millstream-session", work) : work());

  // A screen that sends us back at once would go round for ever: then the form is shown.
  const goesRound = (next) => {
    const last = JSON.parse(sessionStorage.getItem("millstream-resume") || "null");
    sessionStorage.setItem("millstream-resume", JSON.stringify({ next, at: Date.now() }));
    return last !== null && last.next === next && Date.now() - last.at < AGAIN_AFTER;
  };

  const resume = async (next) => {
    if (!hasSession() || goesRound(next)) return;
    if (await alone(() => renew(false))) location.replace(next);
  };

  const next = document.body.dataset.resume;
  if (next !== undefined) {
    resume(next).catch(() => undefined);
  } else if (hasSession() && document.querySelector("nav") !== null) {
    // Several tabs: whoever comes right after another one's renewal needs none of its own.
    setInterval(() => {
      const last = Number(localStorage.getItem("millstream-renewed") || 0);
      if (Date.now() - last < RENEW_EVERY / 2) return;
      localStorage.setItem("millstream-renewed", String(Date.now()));
      alone(() => renew(true)).catch(() => undefined);
    }, RENEW_EVERY);
  }
})();
