/** Characters with a meaning in the format (ZXing's "WIFI:" scheme, which phones' cameras read). */
const SPECIAL = /[\\;,":]/g;

/** The text of a QR code with which a phone joins a WPA2 network. */
export function wifiQrText(ssid: string, password: string): string {
  return `WIFI:T:WPA;S:${field(ssid)};P:${field(password)};;`;
}

/** Text that could be read as hexadecimal digits is put into quotes, which say that it is text. */
function field(text: string): string {
  const escaped = text.replace(SPECIAL, "\\$&");
  return /^[0-9a-fA-F]+$/.test(text) ? `"${escaped}"` : escaped;
}
