import tseslint from "typescript-eslint";
import { functionLength } from "./scripts/check/functionLength.ts";

export default tseslint.config(
  { ignores: ["node_modules/", "artifacts/", "cache/", "coverage/", "out/", "types/", "app/dist/", "dist/"] },
  ...tseslint.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: ["error", "always"],
      "prefer-const": "error",
      "no-var": "error",
      "no-constant-condition": ["error", { checkLoops: false }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "separate-type-imports" }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    // What can be read at once, and comments that fit beside it. Code is wrapped by prettier.
    files: ["**/*.{ts,tsx}"],
    plugins: { house: { rules: { "function-length": functionLength } } },
    rules: {
      "house/function-length": ["error", 70],
      "max-params": ["error", 5],
      "max-len": ["error", { code: 9999, comments: 120 }],
    },
  },
  {
    // Markup is read from its top to its end; prettier gives each attribute a line.
    files: ["app/src/**/*.tsx"],
    rules: { "house/function-length": ["error", 120] },
  },
  {
    // Still long.
    files: ["test/support/nonsense.ts", "test/support/syntheticClearing.ts"],
    rules: { "house/function-length": "off" },
  },
  {
    files: ["**/*.test.ts", "test/**/*.ts"],
    rules: {
      // chai: expect(x).to.be.true
      "@typescript-eslint/no-unused-expressions": "off",
    },
  },
);
