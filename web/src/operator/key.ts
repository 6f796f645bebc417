/** The operator's key: from the link behind the #, then kept for this tab only. */

const NAME = "viva.operator";

export function operatorKey(): string {
  const found = new URLSearchParams(location.hash.slice(1)).get("key");
  if (found) {
    sessionStorage.setItem(NAME, found);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(NAME) ?? "";
}

export function rememberKey(key: string) {
  sessionStorage.setItem(NAME, key);
}
