import { realNetworkManagerSuite } from "./testing/real-networkmanager-suite.ts";

realNetworkManagerSuite("trixie");
