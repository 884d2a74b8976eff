import tseslint from "typescript-eslint";

// Biome formats and does the fast lint. ESLint is here only for what needs types, or for what Biome lacks.
export default tseslint.config(
  { ignores: ["**/node_modules/**", "**/.sluice/**", "**/fixtures/**", "**/*.js", "**/*.mjs", "**/*.cjs"] },
  {
    files: ["**/*.ts"],
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { "@typescript-eslint": tseslint.plugin },
    rules: {
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        // A default branch that ends in assertNever is welcome; one that swallows new members is not.
        { considerDefaultExhaustiveForUnions: false, requireDefaultForNonUnion: false },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "ExportDefaultDeclaration",
          message: "Name the export: a default export has no one name.",
        },
      ],
    },
  },
  // Tools read these by their default export.
  { files: ["*.config.ts"], rules: { "no-restricted-syntax": "off" } },
);
