import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { parse, parseAllDocuments } from "yaml";
import { program } from "../offchain-solver/cli/program.ts";
import { NATS_TOKEN } from "../offchain-solver/node/carrier.ts";
import { ENVIRONMENT, readConfig } from "../offchain-solver/node/config.ts";
import { PASSWORD_FILE } from "../offchain-solver/node/password.ts";

type Named = { readonly name: string };
type Container = Named & {
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly (Named & { value?: string; valueFrom?: Record<string, Named & { key: string }> })[];
  readonly ports?: readonly (Named & { containerPort: number })[];
  readonly volumeMounts?: readonly (Named & { mountPath: string })[];
  readonly resources?: { readonly requests?: object; readonly limits?: object };
  readonly livenessProbe?: { exec?: { command: string[] }; httpGet?: { port: string } };
};
type Pod = {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly (Named & { secret?: { secretName: string }; configMap?: Named })[];
};
type Manifest = {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly selector: { readonly matchLabels?: object } & object;
    readonly ports?: readonly { port: number; targetPort: string }[];
    readonly template: { readonly metadata: { readonly labels: object }; readonly spec: Pod };
    readonly volumeClaimTemplates?: readonly { readonly metadata: Named }[];
  };
};

const folder = new URL("../deploy/kubernetes/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), "utf8");
const guide = readFileSync(new URL("../docs/guide/many-machines.md", import.meta.url), "utf8");
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml") && name !== "kustomization.yaml");
const manifests = files.flatMap((name) =>
  parseAllDocuments(read(name)).map((document): Manifest => {
    expect(document.errors, name).to.deep.equal([]);
    return document.toJS() as Manifest;
  }),
);
const pods = manifests.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet");
const containersOf = ({ spec: { template } }: Manifest): Container[] => [
  ...(template.spec.initContainers ?? []),
  ...template.spec.containers,
];
const containers = pods.flatMap(containersOf);
const script = ({ command = [], args = [] }: Container): string => [...command, ...args].join(" ");

describe("the manifests for Kubernetes", () => {
  it("are all named in the kustomization, and live in one namespace", () => {
    const { resources } = parse(read("kustomization.yaml")) as { resources: string[] };
    expect([...resources].sort()).to.deep.equal([...files].sort());
    for (const { kind, metadata } of manifests)
      expect(kind === "Namespace" ? metadata.name : metadata.namespace, metadata.name).to.equal("gridpact");
  });

  it("run commands that gridpact has, with the arguments that they take", async () => {
    const known = new Map((await program()).commands.map((command) => [command.name(), command]));
    const run = containers.flatMap((container) =>
      [...script(container).matchAll(/gridpact ([a-z]+) ([^\n&]*)/g)].map(([, name, rest]) => ({ name, rest })),
    );
    expect(run.map(({ name }) => name).sort()).to.deep.equal(["node", "operator", "restore", "restore"]);
    for (const { name, rest } of run) {
      const command = known.get(name);
      const options = [...rest.matchAll(/--[a-z-]+/g)].map(([option]) => option);
      expect(options.filter((option) => !command?.options.some(({ long }) => long === option))).to.deep.equal([]);
      const needed = command?.options.filter(({ mandatory }) => mandatory).map(({ long }) => long);
      expect(options, name).to.include.members(needed as string[]);
    }
  });

  it("say every word of a command as a text, not as what YAML may take it for", () => {
    for (const container of containers) {
      const words = [
        ...(container.command ?? []),
        ...(container.args ?? []),
        ...(container.livenessProbe?.exec?.command ?? []),
      ];
      expect(
        words.filter((word) => typeof word !== "string"),
        container.name,
      ).to.deep.equal([]);
    }
  });

  it("set variables that the program reads, and no secret's value", () => {
    const read = new Set([...Object.keys(ENVIRONMENT), NATS_TOKEN, PASSWORD_FILE]);
    for (const { image, env = [] } of containers)
      for (const { name, value } of env) {
        if (image.startsWith("gridpact")) expect([...read]).to.include(name);
        if (/TOKEN|PASSWORD/.test(name)) expect(value ?? "/secrets/", name).to.match(/^\/secrets\//);
      }
    // The broker's own configuration takes the same variable that its container is given.
    const broker = manifests.find(({ kind, data }) => kind === "ConfigMap" && data?.["nats.conf"]);
    expect(broker?.data?.["nats.conf"]).to.include("token: $NATS_TOKEN");
  });

  it("refer to nothing that is not there, or that the guide does not tell how to make", () => {
    const made = new Set(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
    for (const [, kind, name] of guide.matchAll(/create (secret generic|configmap) (\S+)/g))
      made.add(`${kind === "configmap" ? "ConfigMap" : "Secret"} ${name}`);
    for (const manifest of pods) {
      const { volumes = [] } = manifest.spec.template.spec;
      for (const { secret, configMap } of volumes) {
        if (secret) expect([...made]).to.include(`Secret ${secret.secretName}`);
        if (configMap) expect([...made]).to.include(`ConfigMap ${configMap.name}`);
      }
      const mounted = new Set([
        ...volumes.map(({ name }) => name),
        ...(manifest.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name),
      ]);
      for (const { env = [], volumeMounts = [], name } of containersOf(manifest)) {
        for (const mount of volumeMounts) expect([...mounted], name).to.include(mount.name);
        for (const { valueFrom = {} } of env)
          for (const [from, { name: of, key }] of Object.entries(valueFrom)) {
            expect([...made]).to.include(`${from === "secretKeyRef" ? "Secret" : "ConfigMap"} ${of}`);
            expect(guide).to.match(new RegExp(`${of} .*--from-(literal|file)=${key}\\b`));
          }
      }
    }
  });

  it("bound memory, ask whether each process is alive, and pin their images", () => {
    for (const { image, resources, name } of containers) {
      expect(image, name).to.match(/:\d+\.\d+\.\d+$/);
      expect(resources, name).to.have.nested.property("limits.memory");
      expect(resources, name).to.have.nested.property("requests.cpu");
    }
    for (const { spec } of pods)
      for (const container of spec.template.spec.containers)
        expect(container, container.name).to.have.property("livenessProbe");
  });

  it("meet each other: ports, labels, and the port of the API that the guide's configuration opens", () => {
    const service = manifests.find(({ kind }) => kind === "Service") as Manifest;
    const broker = pods.find(({ metadata }) => metadata.name === service.metadata.name) as Manifest;
    const port = broker.spec.template.spec.containers[0].ports?.find(({ name }) => name === "clients");
    expect([service.spec.ports?.[0].port, service.spec.ports?.[0].targetPort]).to.deep.equal([
      port?.containerPort,
      "clients",
    ]);
    for (const { spec } of pods) expect(spec.selector.matchLabels).to.deep.equal(spec.template.metadata.labels);
    const [, yaml] = /```yaml\n([^`]*)```/.exec(guide) as unknown as [string, string];
    const folder = mkdtempSync(join(tmpdir(), "gridpact-kubernetes-"));
    try {
      writeFileSync(join(folder, "node.yaml"), yaml);
      const { transport, api, peers } = readConfig(join(folder, "node.yaml"), {});
      expect(transport).to.deep.equal({
        kind: "nats",
        servers: [`nats://${service.metadata.name}:${port?.containerPort}`],
      });
      expect(peers).to.equal("/etc/gridpact/peers.json");
      const probes = pods.flatMap(({ spec }) =>
        spec.template.spec.containers.flatMap((c) => c.livenessProbe?.exec?.command ?? []),
      );
      expect(probes.join(" ")).to.include(`http://127.0.0.1:${api?.port}/health`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("build an image whose entry is the command", () => {
    expect(read("Dockerfile")).to.include("offchain-solver/cli/main.ts /usr/local/bin/gridpact");
    const { engines } = JSON.parse(
      readFileSync(fileURLToPath(new URL("../package.json", import.meta.url)), "utf8"),
    ) as {
      engines: { node: string };
    };
    expect(read("Dockerfile")).to.include(`FROM node:${/\d+/.exec(engines.node)?.[0]}-`);
  });
});
