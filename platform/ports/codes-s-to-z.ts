import type { CodeEntry } from "./code-places.ts";

/** The second part of the table in `codes.ts`. */
export const CODES_S_TO_Z = {
  "rules.conflict": ["desired", "Two rules have one id, or a line is used both ways or watched with different settings."],
  "rules.input-lost": ["health alarm", "An input of a rule cannot be watched; it is tried again.", "Check who holds the line, the wiring and the cable."],
  "rules.none-active": ["desired", "Only local rules manage the key, and none of them has fired."],
  "rules.not-there": ["desired", "A rule names a line, display, key or content that this device does not have; the message has its path."],
  "rules.output-lost": ["health alarm", "A line that a rule drives could not be driven; it is tried again.", "Check who holds the line and the wiring."],
  "rules.overridden": ["record", "A rule fired, but something stronger decides: what was set by hand, the schedule, or a rule that fired later."],
  "rules.timed-out": ["record", "The effect of a rule was not observed in time; the device keeps trying."],
  "rules.unsupported": ["desired", "A rule needs GPIO, HDMI-CEC or a display, and this device has none that it can use."],

  "schedule.clock-unset": ["desired", "The clock is not set, so the schedule is not applied."],
  "schedule.missing": ["desired", "The display should follow the schedule, but the document has none."],
  "schedule.not-followed": ["desired", "The document has a schedule, but the display does not follow it.", 'Set `display.power` to `"schedule"`.'],
  "schedule.unknown-time-zone": ["desired", "The machine does not know the time zone.", "Use an IANA name such as Europe/Madrid."],

  "screen.blank": ["alarm", "The content's picture is blank."],
  "screen.dark": ["alarm", "The screen is dark and should not be."],
  "screen.error-page": ["alarm", "An error page is on the screen."],
  "screen.frozen": ["alarm", "The content's picture is frozen."],
  "screen.lit-unexpectedly": ["alarm", "The screen is lit although it should be dark."],
  "screen.unknown": ["alarm", "It is not known what is on the screen."],


  "screenshot.bad-picture": ["command", "The machine's screenshot cannot be read."],
  "screenshot.failed": ["command", "The browser could not be asked for a screenshot."],
  "screenshot.no-frame": ["command", "The browser drew no frame in time."],
  "screenshot.too-large": ["command", "Even a reduced screenshot is too large to send."],

  "setup.bad-form": ["screen", "The form of the set-up portal has a mistake; the message says in which field."],
  "setup.no-portal": ["screen", "The set-up portal cannot be reached from the set-up network, so that network is not opened.", "Install `vitrine-setup@.socket`, `vitrine-setup@.service` and the polkit rule from `scripts/systemd`."],

  "shell.no-output": ["screen", "The browser did not start because no output is enabled.", "It starts when an output is enabled; enable one in the compositor's configuration."],
  "shell.not-started": ["screen", "The browser did not start.", "Run it by hand as the player's user to see what it needs."],
  "shell.stopped": ["screen", "The browser was not started because the player host is stopping."],

  "shutdown.did-not-happen": ["command", "The machine was asked to shut down and did not."],

  "signature.invalid": ["frame command desired", "The signature does not match the payload."],
  "signature.wrong-key": ["frame command desired", "It is signed with a key that is not the owner's."],

  "simulated.bad-action": ["local", "The simulated hardware has no such action, or not with these parameters."],
  "simulated.bad-patch": ["local", "The simulated hardware cannot be changed in this way."],
  "simulated.hook-failed": ["local", "An external action of the simulated hardware failed."],
  "simulated.not-wired": ["local", "The simulated hardware does not support this here."],
  "simulated.world-damaged": ["start", "The simulated hardware's file was damaged; it starts with default values."],

  "slot.autoboot": ["record", "`autoboot.txt` of an A/B image cannot be read or written, so the slot cannot be confirmed.", "Look at the file on the partition BOOTFS."],
  "slot.not-confirmed": ["record", "The machine left the new slot of an A/B image before it was confirmed: reset, hang or power cut."],

  "socket.untrusted-folder": ["start", "Others could put their own socket into the folder of the agent's socket.", "Remove the folder, or choose another with `VITRINE_SOCKETS_DIR`."],

  "spool.failed": ["page", "The player host could not write the record to disk."],
  "spool.full": ["page", "The player host's storage for records is full while the agent is not connected."],

  "storage.corrupt": ["start desired record local", "Stored data is damaged."],
  "storage.degraded": ["alarm", "A store could not be opened on disk and is in memory only until the next start.", "Check that the disk has space and is writable, then restart the agent."],
  "storage.foreign": ["start", "The file is not one this agent can use: another program's, or of a newer version. It is set aside."],
  "storage.full": ["start desired record local", "The disk is full."],
  "storage.io": ["start desired record local", "The disk failed."],
  "storage.quarantined": ["alarm", "A damaged store was set aside and replaced with a new one."],
  "storage.read-only": ["start desired record local", "The disk is read-only."],
  "storage.unavailable": ["start alarm", "The stores cannot be used by this program at all.", "Install the package again for this machine's processor."],

  "stored.other-log": ["frame", "The cloud's acknowledgement is for a log that is not this device's current one; it was ignored."],

  "supply.undervoltage": ["health alarm", "The supply voltage is too low: the machine may freeze, and its card may be damaged.", "Use a stronger power supply and a short, thick cable."],

  "temperature.critical": ["health alarm", "The machine is at or above its critical temperature."],
  "temperature.high": ["health alarm", "The machine is hot."],

  "tls.bad-certificate": ["screen", "The server's certificate is not acceptable."],
  "tls.client-certificate": ["screen", "The server requires a certificate from this device."],
  "tls.clock-wrong": ["screen", "The server's certificate is valid by the server's clock but not by this device's.", "Set the device's clock."],
  "tls.expired": ["screen", "The server's certificate has expired."],
  "tls.handshake": ["screen", "The server does not speak TLS, or no version this device knows."],
  "tls.not-yet-valid": ["screen", "The server's certificate is not valid yet."],
  "tls.revoked": ["screen", "The server's certificate was revoked."],
  "tls.unknown-issuer": ["screen", "The server's certificate is from an issuer this device does not trust."],
  "tls.weak-certificate": ["screen", "The server's certificate is too weak."],
  "tls.wrong-date": ["screen", "The server's certificate is not valid on this date."],
  "tls.wrong-name": ["screen", "The server's certificate is for another name."],

  "unit.broken": ["health", "A part of the agent failed and is being restarted."],
  "unit.broken.<name>": ["alarm", "A part of the agent keeps failing."],

  "unsupported": ["desired", "This device does not have what the key needs."],

  "update.bad-manifest": ["command", "The release manifest is not one that this version can read; the message says where."],
  "update.bad-package": ["command", "The release's file is not the one in the manifest, or cannot be unpacked.", "Publish the release again, with the hash of the served file."],
  "update.bad-request": ["command", "The updater was asked something it does not know."],
  "update.bad-signature": ["command", "The release manifest does not match its signature."],
  "update.busy": ["command", "Another release is being installed or is on trial.", "Send it again when that update has its outcome."],
  "update.cloud-not-reached": ["command", "With the new release the device did not reach its cloud, so it went back."],
  "update.crashes": ["command", "Services of the new release did not start or kept ending, so the device went back."],
  "update.disk": ["command", "The disk failed while a release was installed."],
  "update.disk-full": ["command", "There is not enough space for the release.", "Free space on the device."],
  "update.interrupted": ["command", "The switch to the new release was interrupted, so the device went back."],
  "update.needs-package": ["command", "The release changes files that only the package manager can place.", "Install its Debian package with apt or dpkg."],
  "update.no-release": ["start", "There is no installed release that the updater could go back to.", "Install the package again."],
  "update.no-such-trial": ["command", "The release is not on trial."],
  "update.no-updater": ["command", "The updater could not be asked.", "Check `systemctl status vitrine-updater.socket`."],
  "update.not-confirmed": ["command", "The new release was not confirmed in time or within two boots, so the device went back."],
  "update.not-newer": ["command", "The release runs already, or is older than the one that runs.", "A manifest with `downgrade` may go back to an older release."],
  "update.picture-worse": ["command", "With the new release the screen was worse than before, so the device went back."],
  "update.too-late": ["command", "The release was downloaded so late that its installation and trial might not end before the command times out. Nothing was changed.", "Send it again."],
  "update.trial-too-short": ["command", "The time for the trial is too short for the time that picture and link have to be good.", "Make `trialMinutes` at least twice `holdSeconds`."],
  "update.unknown-key": ["command", "The release is signed with a key that this device does not trust."],
  "update.window-over": ["command", "The update could not begin before the end of its window."],
  "update.wrong-machine": ["command", "The release has no package for this machine's processor."],

  "upload.aborted": ["command", "The upload was stopped."],
  "upload.empty": ["command", "There is nothing to send."],
  "upload.failed": ["command", "The upload failed for good; the message says why."],
  "upload.grant-refused": ["command", "The device does not upload to the address the cloud granted."],
  "upload.hash-mismatch": ["command", "What the server received does not have the announced SHA-256."],
  "upload.http-<status>": ["command", "The server answered the upload with this HTTP status."],
  "upload.timeout": ["command", "The upload did not finish in time."],
  "upload.too-many": ["command", "Too many uploads are waiting for the cloud's answer."],
  "upload.unasked": ["frame", "The cloud answered an upload request that was not made; the answer was ignored."],

  "watchdog.too-short": ["health alarm", "The hardware watchdog's timeout is too short for a device whose card may be busy; it is not used.", "Let systemd feed it (`RuntimeWatchdogSec`)."],
  "watchdog.unavailable": ["health alarm", "The hardware watchdog cannot be opened.", "Check whether another program, such as systemd, uses it."],
} as const satisfies Readonly<Record<string, CodeEntry>>;
