import tseslint from "typescript-eslint";

const functionLimits = {
  "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
  "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
  "max-params": ["error", 4],
  "max-depth": ["error", 4],
};

export default tseslint.config(
  { ignores: ["dist", "build", "node_modules", "eslint.config.js", "helper", "test/support/*.cjs"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      "@typescript-eslint/no-invalid-void-type": ["error", { allowAsThisParameter: true }],
      // Our methods are closures in object literals: they have no `this` to lose.
      "@typescript-eslint/unbound-method": "off",
      // An interface may be asynchronous where one implementation is not.
      "@typescript-eslint/require-await": "off",
      "no-restricted-syntax": [
        "error",
        { selector: "ExportDefaultDeclaration", message: "named exports only" },
      ],
      eqeqeq: "error",
    },
  },
  { files: ["src/**"], rules: { ...functionLimits, "no-console": "error" } },
  { files: ["*.config.ts"], rules: { "no-restricted-syntax": "off" } },
  {
    files: ["test/**", "fixtures/**", "bench/**", "scripts/**"],
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      // vitest's asymmetric matchers are `any`.
      "@typescript-eslint/no-unsafe-assignment": "off",
    },
  },
);
