import type { StageScene } from "../../player-host/contract/link-messages.ts";
import type { ContentService } from "./content/content-service.ts";
import type { Ownership } from "./identity/ownership.ts";
import type { Pairing } from "./identity/pairing.ts";
import type { PlayerService } from "./player/player-service.ts";
import { chooseScene } from "./player/scene.ts";
import type { SetupScreen } from "./setup/setup.ts";

export interface SceneKeeperDeps {
  readonly deviceId: string;
  readonly content: ContentService;
  readonly ownership: Ownership;
  readonly pairing: Pairing;
  readonly player: PlayerService;
  /** How to get into the set-up network, while it is open. */
  setup(): SetupScreen | undefined;
  /** Returns true when the screen should be dark and the display cannot be switched off, so the player must show black. */
  blank(): boolean;
}

/** Chooses the scene whenever one of its inputs changes, and passes it to the player. */
export class SceneKeeper {
  readonly #deps: SceneKeeperDeps;

  constructor(deps: SceneKeeperDeps) {
    this.#deps = deps;
  }

  /** Returns a function that stops it. */
  start(): () => void {
    const { content, ownership, pairing } = this.#deps;
    const undo = [content.onChange(() => this.update()), ownership.onChange(() => this.update()), pairing.onChange(() => this.update())];
    this.update();
    return () => {
      for (const off of undo) off();
    };
  }

  update(): void {
    this.#deps.player.show(this.scene());
  }

  scene(): StageScene {
    const { deviceId, content, ownership, pairing } = this.#deps;
    const state = content.state();
    const showing = content.showing();
    const error = state.kind === "preparing" ? state.lastError : undefined;
    const { code, claimUrl, status } = pairing.view();
    const setup = this.#deps.setup();
    return chooseScene({
      deviceId,
      owned: ownership.owner() !== undefined,
      linkStatus: status,
      blank: this.#deps.blank(),
      ...(code !== undefined && claimUrl !== undefined && { pairing: { code, claimUrl } }),
      ...(setup && { setup }),
      ...(showing && { content: showing }),
      ...(error && { contentError: error }),
    });
  }
}
