/**
 * Removes what a package's policy cannot forbid. Runs in every frame before the frame's own code, and is passed as text, so
 * it must not reference anything outside itself. `packageOrigin` is the source of a regular expression for packages' origins.
 *
 * - WebRTC reaches any address, whatever the policy says (Chromium 150 and 156 do not know its `webrtc` directive).
 * - Service workers are refused to packages. Without the property, a page uses its fallback for browsers without service
 *   workers, instead of waiting for one that never becomes ready.
 *
 * A frame without an origin of its own (srcdoc, data, blob) belongs to the package that contains it. A frame of a granted
 * origin is not limited.
 */
export function limitPackages(packageOrigin: string): void {
  interface Frame {
    readonly location: { readonly origin: string; readonly protocol: string; readonly ancestorOrigins: ArrayLike<string> };
    readonly Navigator: { readonly prototype: object };
  }
  const scope = globalThis as unknown as Frame & Record<string, unknown>;
  const isPackage = new RegExp(packageOrigin);
  const { origin, protocol, ancestorOrigins } = scope.location;
  const made = ["about:", "data:", "blob:"].includes(protocol) && Array.from(ancestorOrigins).some((one) => isPackage.test(one));
  if (!made && !isPackage.test(origin)) return;
  for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection"]) Reflect.deleteProperty(scope, name);
  Reflect.deleteProperty(scope.Navigator.prototype, "serviceWorker");
}
