/** What went wrong, told to eyes and screen readers at once; nothing where nothing did. */
export function Trouble({ text }: { text: string }) {
  if (!text) return null;
  return (
    <p className="problem" role="alert">
      {text}
    </p>
  );
}
