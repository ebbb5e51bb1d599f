// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/error.h"
#include "recipes/recipe.h"

namespace r1 {

/// A place in a recipe file or in a --set argument. Lines and columns count from 1, in characters.
struct SourcePlace {
    std::string file;  ///< as the user named it; "--set[2]" for the second override
    int line = 1;
    int column = 1;
    std::string source_line;  ///< the text of that line, cut to what is near the caret
    int caret = 1;            ///< the character of source_line under which the caret stands
};

/// One thing wrong with a recipe.
struct Problem {
    SourcePlace place;
    std::string message;
};

/// Every problem of a recipe at once. what() is the whole report: for each problem
/// `file:line:column: message`, the source line, and a caret under the column.
class RecipeError : public Error {
  public:
    explicit RecipeError(std::vector<Problem> problems);
    const std::vector<Problem>& problems() const noexcept { return problems_; }

  private:
    std::vector<Problem> problems_;
};

/// Reads, merges (`base:`), overrides, checks and fills in the defaults. `overrides` are the texts
/// of --set, "stages.rl.optimizer.learning_rate=1e-4"; a stage is named by its name or its index.
/// Throws RecipeError with all problems.
Recipe load_recipe(const std::filesystem::path& file,
                   const std::vector<std::string>& overrides = {});

/// A recipe and what of it the trainer cannot run yet (recipes/trainable.h), each where it is set.
struct CheckedRecipe {
    Recipe recipe;
    std::vector<Problem> untrainable;
};
/// As load_recipe, for who wants to know that too.
CheckedRecipe check_recipe(const std::filesystem::path& file,
                           const std::vector<std::string>& overrides = {});

/// As load_recipe, for what is to be trained: throws RecipeError for what cannot be, too.
Recipe load_trainable_recipe(const std::filesystem::path& file,
                             const std::vector<std::string>& overrides = {});

/// The frozen recipe: YAML with every default written out. Loading it gives an equal recipe.
std::string freeze_recipe(const Recipe& recipe);

/// The reference page (Markdown), one row a key, from the schema.
std::string recipe_reference();

}  // namespace r1
