#include <string>
#include <vector>

// How many of a kind there are.
int count(const std::vector<int>& kinds, int wanted) {
    int found = 0;
    for (int kind : kinds) {
        if (kind == wanted) {
            found++;
        }
    }
    return found;
}

std::string label(int size) {
    std::string text;
    switch (size) {
        case 0:
            text = "empty";
            break;
        default:
            text = "full";
    }
    while (text.size() < 8) {
        text += " ";
    }
    try {
        text.reserve(64);
    } catch (...) {
        text.clear();
    }
    return text;
}
